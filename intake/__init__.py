"""The internet side: sees an answer for the length of one request, keeps only envelopes.

In the order of the flow: `app` wires, `views` are the routes, `bodies` reads a post, `forms`, `pages` and `problems`
make what is shown, `anonymity` holds headers and tokens, `store` with `slots` keeps envelopes, `export` with `kept`
is the exchange with the review machine. Around it: `config`, `readiness` and `stray_keys` decide whether the form may
open, `serving`, `hardening`, `housekeeping` and `logs` are the process, `clock` reads the time, `cli` is the command
line.
"""
