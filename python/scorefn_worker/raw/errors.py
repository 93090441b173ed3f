"""What our own request and response raise. Uncaught, it fails the request (IN-19)."""

from __future__ import annotations


class HTTPException(Exception):
    """An error with a status, where Flask's request raises one."""

    code = 500
    name = "Internal Server Error"

    def __init__(self, description: str) -> None:
        """Say what is wrong with the request."""
        super().__init__(description)
        self.description = description

    def __str__(self) -> str:
        """Status and description."""
        return f"{self.code} {self.name}: {self.description}"


class BadRequest(HTTPException):
    """The body is not what the script takes it for."""

    code = 400
    name = "Bad Request"


class UnsupportedMediaType(HTTPException):
    """The body does not say that it is what the script takes it for."""

    code = 415
    name = "Unsupported Media Type"


class FlaskNeeded(AttributeError):
    """The script uses what only requests and responses of Flask and Werkzeug have. hints.py says where to install it.

    An AttributeError, so that hasattr() tells the truth.
    """

    def __init__(self, member: str) -> None:
        """Name the member."""
        super().__init__(f"{member} needs Flask or Werkzeug, and there is neither: pip install flask")
