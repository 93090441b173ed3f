"""Headers and query parameters with the members that scripts use most of Werkzeug's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Callable, Union

_ABSENT: Any = object()

Lines = Union["dict[str, Any]", Iterable["tuple[str, Any]"]]


class Arguments(dict[str, str]):
    """Parameters of the query: a dict of first values that knows the others, too."""

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Collect the values by name, both in order."""
        self._lists: dict[str, list[str]] = {}
        for name, value in pairs:
            self._lists.setdefault(name, []).append(value)
        super().__init__((name, values[0]) for name, values in self._lists.items())

    def get(self, name: str, default: Any = None, type: Callable[[str], Any] = str) -> Any:  # type: ignore[override]  # noqa: ANN401
        """First value, through `type`; `default` when it is absent or `type` refuses it."""
        return _converted(self[name], type, default) if name in self else default

    def getlist(self, name: str, type: Callable[[str], Any] = str) -> list[Any]:
        """All values of a name, through `type`; those it refuses are left out."""
        return _all_converted(self._lists.get(name, ()), type)

    def items(self, multi: bool = False) -> Iterable[tuple[str, str]]:  # type: ignore[override]
        """Names with their first value, or with every value."""
        if not multi:
            return super().items()
        return ((name, value) for name, values in self._lists.items() for value in values)

    def lists(self) -> Iterable[tuple[str, list[str]]]:
        """Names with all their values."""
        return ((name, list(values)) for name, values in self._lists.items())

    def to_dict(self, flat: bool = True) -> dict[str, Any]:
        """A plain dict: of first values, or of lists."""
        return dict(self) if flat else dict(self.lists())


class RequestHeaders:
    """Header lines in order; names are case-insensitive and may repeat. The plain members see the first value."""

    def __init__(self, lines: list[tuple[str, str]]) -> None:
        """Take the lines."""
        self._lines = lines

    def __iter__(self) -> Iterator[tuple[str, str]]:
        """Iterate over pairs, as Werkzeug's headers do."""
        return iter(self._lines)

    items = __iter__

    def __len__(self) -> int:
        """Count the lines."""
        return len(self._lines)

    def __contains__(self, name: object) -> bool:
        """Tell whether there is such a header."""
        return isinstance(name, str) and bool(self.getlist(name))

    def __getitem__(self, name: str) -> str:
        """First value. Raises KeyError."""
        for value in self.getlist(name):
            return str(value)
        raise KeyError(name)

    def get(self, name: str, default: Any = None, type: Callable[[str], Any] = str) -> Any:  # noqa: ANN401
        """First value, through `type`; `default` when it is absent or `type` refuses it."""
        return _converted(self[name], type, default) if name in self else default

    def getlist(self, name: str, type: Callable[[str], Any] = str) -> list[Any]:
        """All values, through `type`; those it refuses are left out."""
        lower = name.lower()
        return _all_converted((value for own, value in self._lines if own.lower() == lower), type)

    def keys(self) -> Iterator[str]:
        """Names, repeated ones repeatedly."""
        return (name for name, _ in self._lines)

    def values(self) -> Iterator[str]:
        """Values."""
        return (value for _, value in self._lines)

    def __repr__(self) -> str:
        """Show the lines."""
        return f"{type(self).__name__}({self._lines!r})"


class Headers(RequestHeaders):
    """Header lines that may be changed."""

    def add(self, name: str, value: Any) -> None:  # noqa: ANN401 - made text
        """Add a line. Raises ValueError for a value with line breaks."""
        self._lines.append((name, _text(value)))

    def set(self, name: str, value: Any) -> None:  # noqa: ANN401
        """Replace all lines of a name, where the first stood. Raises ValueError for a value with line breaks."""
        line = (name, _text(value))
        names = [own.lower() for own in self.keys()]
        at = names.index(name.lower()) if name.lower() in names else len(names)
        del self[name]
        self._lines.insert(at, line)

    __setitem__ = set

    def __delitem__(self, name: str) -> None:
        """Remove all lines of a name, if there are any."""
        self._lines = [line for line in self._lines if line[0].lower() != name.lower()]

    remove = __delitem__

    def pop(self, name: str, default: Any = _ABSENT) -> Any:  # noqa: ANN401
        """Remove all lines of a name and return its first value. Raises KeyError without a default."""
        value = self[name] if default is _ABSENT else self.get(name, default)
        del self[name]
        return value

    def setdefault(self, name: str, default: Any) -> str:  # noqa: ANN401
        """First value, which is `default` when there was none."""
        if name not in self:
            self.add(name, default)
        return self[name]

    def update(self, lines: Lines) -> None:
        """Replace the lines of these names."""
        for name, value in dict(lines).items():
            self.set(name, value)

    def extend(self, lines: Lines) -> None:
        """Add lines."""
        for name, value in lines.items() if isinstance(lines, dict) else lines:
            self.add(name, value)


def _text(value: Any) -> str:  # noqa: ANN401
    text = str(value)
    if "\n" in text or "\r" in text:
        raise ValueError("Header values must not contain newline characters.")
    return text


def _converted(value: str, type: Callable[[str], Any], default: Any) -> Any:  # noqa: ANN401
    try:
        return type(value)
    except (ValueError, TypeError):
        return default


def _all_converted(values: Iterable[str], type: Callable[[str], Any]) -> list[Any]:
    converted = (_converted(value, type, _ABSENT) for value in values)
    return [value for value in converted if value is not _ABSENT]
