"""What the sink says and the daemon is told: just enough of the portal's contract for the real connector to work against it."""

from __future__ import annotations

from pathlib import Path

AGENCY = "000.00.00.H03"
TARGET = "dvcqg"


def _answer(body: str) -> bytes:
    raw = body.encode()
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(raw), raw)


SESSION = _answer('{"error_code":0,"message":"Đăng nhập thành công","session":"phien-00000001"}')
TAKEN = _answer('{"error_code":"0","message":"Đồng bộ hồ sơ thành công"}')
HELD = _answer('{"error_code":"0","message":"Thành công","result":[{}]}')
MISSING = _answer('{"error_code":"-1","message":"Không tìm thấy hồ sơ","result":[]}')


def configuration(folder: Path, port: int, state: str, source: str, **target: object) -> str:
    """A configuration file: the portal's connector, at the sink. `target` is added to its section."""
    password = folder / "password"
    password.write_text("sandbox", "utf-8")
    password.chmod(0o600)
    own = "".join(f"{name} = {_toml(value)}\n" for name, value in target.items())
    return f"""\
[daemon]
node = "bench"
state = "{state}"
http = ""
payload_key_file = "{folder}/payload.key"

[log]
level = "warning"
file = "{folder}/daemon.log"

[source]
url = "{source}"
poll = "1s"
surprise = 1.0
agency = "{AGENCY}"

[targets.{TARGET}]
connector = "dvcqg"
adapter_url = "http://127.0.0.1:{port}/VXPAdapter/RestService/forward"
agency_code = "{AGENCY}"
username = "{AGENCY}"
password_file = "{password}"
catalogue = "0s"
retry = ["100ms"]
{own}"""


def _toml(value: object) -> str:
    return str(value).lower() if isinstance(value, (int, float)) else f'"{value}"'
