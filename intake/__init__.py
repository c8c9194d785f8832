"""The internet side: sees an answer for the length of one request, keeps only envelopes.

In the order of the flow: `app` wires, `views` are the routes, `bodies` reads a post, `forms`, `controls`, `pages`, `frame`, `problems`,
`hints` and `theme` make what is shown, `compression` packs it, `gallery` shows its pieces, `anonymity` holds headers and tokens, `store` with `slots` and
`committer` keeps envelopes, `export` with `kept` is the exchange with the review machine. What is said in which
language: `languages`, `catalogues`, `localizer` and `offers`. Around it: `config`, `readiness` and `stray_keys` decide
whether the form may open, `serving`, `hardening`, `housekeeping` and `logs` are the process, `clock` reads the time,
`cli` is the command line.
"""
