"""What crosses the air gap, and nothing else: formats, sealing, signatures, the questionnaire."""
