"""Headers and multi-dicts with the members that scripts know from Werkzeug."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Callable, Union

_ABSENT: Any = object()

Pairs = Iterable[tuple[str, Any]]


class MultiDict(dict[str, list[Any]]):
    """A read-only dict whose keys may have several values; the plain members see the first."""

    def __init__(self, pairs: Pairs = ()) -> None:
        """Collect the values by key, both in order."""
        super().__init__()
        for key, value in pairs:
            super().setdefault(key, []).append(value)

    def __getitem__(self, key: str) -> Any:  # noqa: ANN401 - text, or a file
        """First value of a key. Raises KeyError."""
        return super().__getitem__(key)[0]

    def __iter__(self) -> Iterator[str]:
        """Iterate over the keys. With a method of its own for that, dict() asks this class for the values."""
        return super().__iter__()

    def __setitem__(self, key: str, value: Any) -> None:  # noqa: ANN401
        """Refuse: what the client sent is not changed."""
        raise TypeError(f"{type(self).__name__} is read-only; dict() or to_dict() makes a copy that is not")

    __delitem__ = __setitem__  # type: ignore[assignment]
    pop = popitem = clear = update = setdefault = __setitem__  # type: ignore[assignment]

    def get(self, key: str, default: Any = None, type: Callable[[Any], Any] | None = None) -> Any:  # noqa: ANN401
        """First value of a key, through `type`; `default` when it is absent or `type` refuses it."""
        if key not in self:
            return default
        try:
            return self[key] if type is None else type(self[key])
        except (ValueError, TypeError):
            return default

    def getlist(self, key: str, type: Callable[[Any], Any] | None = None) -> list[Any]:
        """All values of a key, through `type`; those it refuses are left out."""
        values = list(super().get(key, ()))
        if type is None:
            return values
        return [found for value in values if (found := _converted(value, type)) is not _ABSENT]

    def items(self, multi: bool = False) -> Iterator[tuple[str, Any]]:  # type: ignore[override]
        """Keys with their first value, or with every value."""
        for key, values in super().items():
            for value in values if multi else values[:1]:
                yield key, value

    def values(self) -> Iterator[Any]:  # type: ignore[override]
        """First value of each key."""
        return (value for _, value in self.items())

    def lists(self) -> Iterator[tuple[str, list[Any]]]:
        """Keys with all their values."""
        return ((key, list(values)) for key, values in super().items())

    def listvalues(self) -> Iterator[list[Any]]:
        """All values, key by key."""
        return (values for _, values in self.lists())

    def to_dict(self, flat: bool = True) -> dict[str, Any]:
        """An ordinary dict: of first values, or of lists."""
        return dict(self.items()) if flat else dict(self.lists())

    def copy(self) -> MultiDict:
        """Another one with the same content."""
        return MultiDict(self.items(multi=True))

    def __repr__(self) -> str:
        """Show all pairs."""
        return f"{type(self).__name__}({list(self.items(multi=True))!r})"


class Headers:
    """Header lines in order; names are case-insensitive and may repeat."""

    def __init__(self, pairs: Pairs | dict[str, Any] | None = None) -> None:
        """Take pairs, or a mapping whose values may be lists."""
        self._lines: list[tuple[str, str]] = []
        self.extend(pairs or ())

    def __iter__(self) -> Iterator[tuple[str, str]]:
        """Iterate over pairs, as Werkzeug's headers do."""
        return iter(self._lines)

    def __len__(self) -> int:
        """Count the lines."""
        return len(self._lines)

    def __contains__(self, name: object) -> bool:
        """Tell whether there is such a header."""
        return isinstance(name, str) and any(_same(name, own) for own, _ in self._lines)

    def __getitem__(self, name: str) -> str:
        """First value. Raises KeyError."""
        for own, value in self._lines:
            if _same(name, own):
                return value
        raise KeyError(name)

    def __setitem__(self, name: str, value: Any) -> None:  # noqa: ANN401 - made text
        """As `set`."""
        self.set(name, value)

    def __delitem__(self, name: str) -> None:
        """Remove all lines of a name, if there are any."""
        self._lines = [line for line in self._lines if not _same(name, line[0])]

    def __eq__(self, other: object) -> bool:
        """Compare the lines as sets, names without case."""
        if not isinstance(other, Headers):
            return NotImplemented
        return {(name.lower(), value) for name, value in self} == {(name.lower(), value) for name, value in other}

    __hash__ = None  # type: ignore[assignment]

    def get(self, name: str, default: Any = None, type: Callable[[str], Any] | None = None) -> Any:  # noqa: ANN401
        """First value, through `type`; `default` when it is absent or `type` refuses it."""
        for own, value in self._lines:
            if _same(name, own):
                found = value if type is None else _converted(value, type)
                return default if found is _ABSENT else found
        return default

    def getlist(self, name: str, type: Callable[[str], Any] | None = None) -> list[Any]:
        """All values, through `type`; those it refuses are left out."""
        values = [value for own, value in self._lines if _same(name, own)]
        return (
            values if type is None else [found for value in values if (found := _converted(value, type)) is not _ABSENT]
        )

    get_all = getlist

    def keys(self) -> Iterator[str]:
        """Names, repeated ones repeatedly."""
        return (name for name, _ in self._lines)

    def values(self) -> Iterator[str]:
        """Values."""
        return (value for _, value in self._lines)

    def items(self) -> Iterator[tuple[str, str]]:
        """Pairs."""
        return iter(self._lines)

    def add(self, name: str, value: Any) -> None:  # noqa: ANN401 - made text
        """Add a line. Raises ValueError for a value with line breaks."""
        self._lines.append((name, _text(value)))

    def set(self, name: str, value: Any) -> None:  # noqa: ANN401
        """Replace all lines of a name, where the first stood. Raises ValueError for a value with line breaks."""
        line = (name, _text(value))
        at = next((index for index, (own, _) in enumerate(self._lines) if _same(name, own)), len(self._lines))
        del self[name]
        self._lines.insert(at, line)

    def setdefault(self, name: str, default: Any) -> str:  # noqa: ANN401
        """First value, which is `default` when there was none."""
        if name not in self:
            self.add(name, default)
        return self[name]

    def extend(self, pairs: Pairs | dict[str, Any] = (), **more: Any) -> None:  # noqa: ANN401
        """Add lines."""
        for name, value in _pairs(pairs):
            self.add(name, value)
        for name, value in _pairs(more):
            self.add(name.replace("_", "-"), value)

    def update(self, pairs: Pairs | dict[str, Any] = (), **more: Any) -> None:  # noqa: ANN401
        """Replace the lines of these names."""
        lines = [*_pairs(pairs), *((name.replace("_", "-"), value) for name, value in _pairs(more))]
        for name, _ in lines:
            del self[name]
        self.extend(lines)

    def remove(self, name: str) -> None:
        """Remove all lines of a name."""
        del self[name]

    def pop(self, name: str, default: Any = _ABSENT) -> Any:  # noqa: ANN401
        """Remove all lines of a name and return its first value. Raises KeyError without a default."""
        value = self.get(name, default)
        if value is _ABSENT:
            raise KeyError(name)
        del self[name]
        return value

    def clear(self) -> None:
        """Remove everything."""
        self._lines = []

    def copy(self) -> Headers:
        """Another one with the same lines."""
        return Headers(self._lines)

    def to_wsgi_list(self) -> list[tuple[str, str]]:
        """The lines in a list of its own."""
        return list(self._lines)

    def __repr__(self) -> str:
        """Show the lines."""
        return f"{type(self).__name__}({self._lines!r})"


class RequestHeaders(Headers):
    """The headers of a request, which nobody changes."""

    def __init__(self, lines: list[tuple[str, str]]) -> None:
        """Take the lines as they came."""
        self._lines = lines

    def _refuse(self, *_: Any, **__: Any) -> Any:  # noqa: ANN401
        raise TypeError("the headers of a request are read-only")

    __setitem__ = __delitem__ = add = set = setdefault = extend = update = remove = pop = clear = _refuse  # type: ignore[assignment]


_Items = Union[Pairs, "dict[str, Any]"]


def _pairs(source: _Items) -> Iterator[tuple[str, Any]]:
    for name, value in source.items() if hasattr(source, "items") else source:
        for one in value if isinstance(value, (list, tuple, set)) else (value,):
            yield name, one


def _same(name: str, other: str) -> bool:
    return name.lower() == other.lower()


def _text(value: Any) -> str:  # noqa: ANN401
    text = value if isinstance(value, str) else str(value)
    if "\n" in text or "\r" in text:
        raise ValueError("Header values must not contain newline characters.")
    return text


def _converted(value: Any, type: Callable[[Any], Any]) -> Any:  # noqa: ANN401
    try:
        return type(value)
    except (ValueError, TypeError):
        return _ABSENT
