"""The internet side: sees an answer for the length of one request, keeps only envelopes."""
