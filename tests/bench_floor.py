"""The floor that accepting a report is measured against: a Flask view that reads a form and answers 303."""

from flask import Flask, redirect, request

app = Flask("floor")


@app.post("/")
def accept():
    """Read the whole body as form fields, as any Flask view would, and redirect."""
    return redirect(f"/done?{len(request.form)}", 303)


@app.get("/")
def nothing():
    """Answer, so that the bench can see the server is up."""
    return "ok"
