"""What flask.request shows inside a run() that does not take it."""

from flask import g, has_request_context, request


def init():
    assert not has_request_context()


def lines(values):
    return [[name, values.getlist(name)] for name in values]


def run(data):
    r = request
    g.seen = g.get("seen", 0) + 1
    return {
        "data": data,
        "seen": g.seen,
        "method": r.method,
        "path": [r.path, r.full_path, r.script_root, r.root_path],
        "url": [r.url, r.base_url, r.host, r.host_url, r.scheme, r.is_secure],
        "query": [r.query_string.decode(), lines(r.args)],
        "headers": sorted(map(list, r.headers.items())),
        "one": [r.headers.get("x-one"), r.headers.get("X-Two"), r.headers.get("absent", "none")],
        "type": [r.content_type, r.mimetype, r.mimetype_params, r.is_json, r.content_length],
        "body": r.get_data(as_text=True),
        "again": r.get_data(as_text=True),
        "form": lines(r.form),
        "json": r.get_json(silent=True),
        "cookies": dict(r.cookies),
        "remote": r.remote_addr,
        "values": sorted(lines(r.values)),
        "accept": [str(r.accept_mimetypes), str(r.user_agent), r.referrer],
    }
