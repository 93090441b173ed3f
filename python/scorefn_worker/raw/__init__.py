"""HTTP requests and responses as Python score scripts see them (contract IN-18 to IN-19, API, OUT-2 to OUT-6).

Where the script's environment has Flask, the script is handed Flask's own request; where it has only Werkzeug, that of
Werkzeug; else the stand-in of request.py with the members scripts use. AMLResponse is built on the same library. None
of this is imported before a script asks for it.
"""
