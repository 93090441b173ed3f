"""HTTP requests and responses as Python score scripts see them (contract IN-18 to IN-19, API, OUT-2 to OUT-6).

Where the script's environment has Flask, the script is handed Flask's own request; where it has only Werkzeug, that of
Werkzeug; else that of request.py, which knows the request line, the headers and the body, and says what forms and
cookies need. AMLResponse is built on the same library. None of this is imported before a script asks for it.
"""
