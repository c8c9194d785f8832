"""The doctor's look at the programs before the form: what HAProxy, nginx, Caddy and tor are told to remember or pass on.

Only configuration files are read, line by line, and only for what is known to keep or hand on something of a visitor.
"""

import re
import stat
from collections.abc import Iterator
from typing import Final

from intake.findings import Finding
from intake.machine import Machine

HAPROXY: Final = "etc/haproxy/haproxy.cfg"
TORRC: Final = "etc/tor/torrc"
_NGINX: Final = "etc/nginx"
_CADDY: Final = "etc/caddy/Caddyfile"

_SECTION: Final = re.compile(
    r"(global|defaults|frontend|backend|listen|resolvers|peers|http-errors|userlist)\b"
)
_AGAIN: Final = "copy deploy/haproxy.cfg again, put your names into it, and restart HAProxy"


def look_at_neighbours(machine: Machine, *, onion: str) -> Iterator[Finding]:
    """Yield what is wrong with what stands before the form.

    Args:
        machine: the machine.
        onion: the address that the pages show to people in Tor Browser, or "".
    """
    haproxy, caddy, torrc = (machine.text(place) for place in (HAPROXY, _CADDY, TORRC))
    nginx = "\n".join(
        text
        for folder, pattern in (("", "*.conf"), ("/conf.d", "*.conf"), ("/sites-enabled", "*"))
        for text in machine.texts(_NGINX + folder, pattern).values()
    )
    is_nginx = "proxy_pass" in nginx
    if haproxy is None and caddy is None and not is_nginx:
        yield Finding(
            name="no-proxy",
            wrong="nothing stands before the form, so slow lines take the places of others",
            do="install HAProxy, and copy deploy/haproxy.cfg to /etc/haproxy/",
        )
    if haproxy is not None:
        yield from _haproxy(machine, _plain(haproxy))
    if is_nginx:
        yield from _nginx(_plain(nginx))
    if caddy is not None:
        yield from _caddy(_plain(caddy))
    if onion or torrc is not None:
        yield from _tor(_plain(torrc or ""))


def _plain(text: str) -> str:
    """Drop comments, and the space around each line."""
    lines = (re.sub(r"(^|\s)#.*", "", line).strip() for line in text.splitlines())
    return "\n".join(line for line in lines if line)


def _haproxy(machine: Machine, text: str) -> Iterator[Finding]:
    if re.search(r"^(log|option (http|tcp|https)log|log-format\S*|capture) ?", text, re.MULTILINE):
        yield Finding(
            name="proxy-log", wrong="HAProxy is told to log, with addresses, times and pages", do=_AGAIN
        )
    if re.search(r"option forwardfor|(set|add)-header (x-)?(forwarded|real)", text, re.IGNORECASE):
        yield Finding(
            name="proxy-address", wrong="HAProxy passes the address of visitors on to the form", do=_AGAIN
        )
    if "http-request del-header" not in text:
        yield Finding(
            name="proxy-headers", wrong="HAProxy passes on all that browsers tell of themselves", do=_AGAIN
        )
    if "wait-for-body" not in text and "http-buffer-request" not in text:
        yield Finding(
            name="proxy-slow-lines",
            wrong="HAProxy does not wait until a request is whole, so slow lines take the places of others",
            do=_AGAIN,
        )
    yield from _circuits(text)
    for name in re.findall(r"\bcrt (\S+)", text):
        if _is_open(machine, name):
            yield Finding(
                name="tls-key",
                wrong=f"{name} holds the key of the certificate and can be read by every account",
                do=f"run `chmod 600 {name}`",
            )
    if re.search(r"\b(example\.onion|form\.example\.org)", text):
        yield Finding(
            name="proxy-names",
            wrong="haproxy.cfg still names the addresses of the example",
            do="put your own in their place, or delete the lines, and restart HAProxy",
        )


def _circuits(text: str) -> Iterator[Finding]:
    """Only behind an entrance that tor opens may a PROXY line stand: elsewhere it holds an address."""
    sections = _sections(text)
    from_tor = {
        backend
        for name, lines in sections.items()
        if re.search(r"^bind .*accept-proxy", lines, re.MULTILINE)
        for backend in (name.split()[-1], *re.findall(r"^(?:use|default)_backend (\S+)", lines, re.MULTILINE))
    }
    for name, lines in sections.items():
        if re.search(r"^server .*send-proxy", lines, re.MULTILINE) and name.split()[-1] not in from_tor:
            yield Finding(
                name="proxy-address",
                wrong=f"HAProxy passes the address of visitors on to the form, by send-proxy in {name}",
                do=_AGAIN,
            )


def _sections(text: str) -> dict[str, str]:
    """The lines of each section, by its kind and name."""
    found: dict[str, str] = {}
    name = ""
    for line in text.splitlines():
        if _SECTION.match(line):
            name = " ".join(line.split()[:2])
        found[name] = f"{found.get(name, '')}{line}\n"
    return found


def _is_open(machine: Machine, name: str) -> bool:
    try:
        return bool(machine.at(name).stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO) & ~stat.S_IRGRP)
    except OSError:
        return False


def _nginx(text: str) -> Iterator[Finding]:
    if not re.search(r"access_log\s+off", text) or re.search(r"access_log\s+(?!off)", text):
        yield Finding(
            name="nginx-log",
            wrong="nginx writes every visitor's address, time and page to its access log",
            do="set `access_log off;` in every block, or use HAProxy as docs/running.md says",
        )
    if not re.search(r"error_log\s+/dev/null", text) or re.search(r"error_log\s+(?!/dev/null)", text):
        yield Finding(
            name="nginx-error-log",
            wrong="nginx writes addresses of visitors to its error log",
            do="set `error_log /dev/null;` in every block, or use HAProxy as docs/running.md says",
        )
    if not re.search(r"proxy_request_buffering\s+off", text):
        yield Finding(
            name="proxy-disk",
            wrong="nginx writes reports in clear to a file before it passes them on",
            do="set `proxy_request_buffering off;`, or use HAProxy as docs/running.md says",
        )


def _caddy(text: str) -> Iterator[Finding]:
    if "exclude http.log.error" not in text or re.search(r"output\s+(file|net)", text):
        yield Finding(
            name="caddy-log",
            wrong="Caddy writes the address and the browser of a visitor whenever the form does not answer",
            do="exclude the logger http.log.error, or use HAProxy as docs/running.md says",
        )


def _tor(text: str) -> Iterator[Finding]:
    again = "copy deploy/torrc again and restart tor"
    if re.search(r"^Log (debug|info)\b|^SafeLogging 0", text, re.MULTILINE | re.IGNORECASE):
        yield Finding(name="tor-log", wrong="tor logs more than warnings", do=again)
    if "HiddenServiceDir" not in text:
        yield Finding(
            name="tor-no-service",
            wrong="tor offers no address, though the pages or this machine say that there is one",
            do=again,
        )
    elif not re.search(r"^HiddenServicePoWDefensesEnabled 1", text, re.MULTILINE):
        yield Finding(
            name="tor-defence", wrong="tor lets a flood in: its proof of work for visitors is off", do=again
        )
    elif not re.search(r"^HiddenServiceExportCircuitID haproxy", text, re.MULTILINE):
        yield Finding(
            name="tor-circuits",
            wrong="tor does not say which circuit a request came by, so one flood slows everybody on tor",
            do=again,
        )
