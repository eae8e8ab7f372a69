"""Logging, each case in a fresh interpreter: set-up is global, and what reaches standard error is the point."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

PRELUDE = "import logging, structlog; from syncd.logs import configure, report_uncaught; log = structlog.get_logger('syncd.deliver')\n"
PERSONAL = ("Nông Văn Bình", "006088001234", "0912345678", "binh@vidu.example", "tổ 4", "matkhau", "phien-77")


def run(script: str, *, expect: int = 0) -> tuple[str, str]:
    done = subprocess.run([sys.executable, "-c", PRELUDE + dedent(script)], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == expect, done.stderr
    return done.stdout, done.stderr


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_an_event_is_one_json_object_with_time_level_event_and_node() -> None:
    out, err = run("""
        configure(node='bk-01')
        log.info('delivery_sent', target='dvcqg', dossier='000.00.14.H03-250225-0001', attempt=2, outcome='delivered', duration_ms=41.5)
        log.debug('delivery_begun')
    """)
    (event,) = lines(err)
    assert out == ""
    assert list(event)[:4] == ["timestamp", "level", "event", "node"]
    assert event["event"] == "delivery_sent"
    assert event["level"] == "info"
    assert event["node"] == "bk-01"
    assert event["dossier"] == "000.00.14.H03-250225-0001"
    assert event["duration_ms"] == 41.5
    assert datetime.fromisoformat(event["timestamp"]).utcoffset() == timedelta(hours=7)


def test_the_level_and_the_time_zone_are_settings() -> None:
    _, err = run("""
        configure(level='debug', timezone='UTC')
        log.debug('delivery_begun')
    """)
    (event,) = lines(err)
    assert event["level"] == "debug"
    assert datetime.fromisoformat(event["timestamp"]).utcoffset() == timedelta()


def test_bound_and_contextual_values_are_in_the_line() -> None:
    _, err = run("""
        configure()
        structlog.contextvars.bind_contextvars(target='dvcqg')
        log.bind(dossier='D1').warning('delivery_failed', detail={'tries': [1, 2]})
    """)
    (event,) = lines(err)
    assert (event["target"], event["dossier"], event["detail"]) == ("dvcqg", "D1", {"tries": [1, 2]})


def test_nothing_of_a_citizen_and_no_secret_gets_through() -> None:
    _, err = run("""
        from pydantic import SecretStr
        from syncd.model import Owner
        configure()
        owner = Owner(name='Nông Văn Bình', identity='006088001234', phone='0912345678', email='binh@vidu.example', address='tổ 4')
        log.info('careless_event', owner=owner, name='Nông Văn Bình', identity='006088001234', phone='0912345678', email='binh@vidu.example',
                 address='tổ 4', password=SecretStr('matkhau'), value=SecretStr('matkhau'), session='phien-77', Authorization='Bearer phien-77',
                 reason='006088001234 gọi 0912345678 hay binh@vidu.example, session=phien-77', nested={'owner': {'name': 'Nông Văn Bình'}}, holder=[owner])
    """)
    (event,) = lines(err)
    for personal in PERSONAL:
        assert personal not in err
    assert event["name"] == event["session"] == "***"
    assert event["holder"] == ["<Owner>"]


def test_an_exception_is_its_type_first_line_and_place_without_locals() -> None:
    _, err = run("""
        configure()
        def deliver():
            name = 'Nông Văn Bình'
            raise ValueError('refused for 006088001234\\n[parameters: Nông Văn Bình]')
        try:
            deliver()
        except ValueError as error:
            log.exception('delivery_failed')
            log.error('delivery_failed', exc_info=error)
        log.info('delivery_sent', exc_info=True)
    """)
    first, second, third = lines(err)
    assert first["error"] == second["error"] == "ValueError: refused for ***"
    assert first["error_at"].endswith(" deliver")
    assert "error" not in third
    for personal in PERSONAL:
        assert personal not in err


def test_libraries_are_heard_from_warning_on_and_scrubbed() -> None:
    _, err = run("""
        import warnings
        configure(level='debug')
        logging.getLogger('sqlalchemy.engine').info('SELECT 1')
        logging.getLogger('apscheduler.executors').warning('run of %s took long, gọi %s', 'poll', '0912345678')
        try:
            raise OSError('no 006088001234')
        except OSError:
            logging.getLogger('urllib3').exception('broken')
        warnings.warn('old', stacklevel=1)
    """)
    scheduler, http, warning = lines(err)
    assert scheduler["event"] == "library_logged"
    assert scheduler["logger"] == "apscheduler.executors"
    assert scheduler["detail"] == "run of poll took long, gọi ***"
    assert http["error"] == "OSError: no ***"
    assert warning["logger"] == "py.warnings"


def test_a_log_file_is_appended_to_and_opened_anew_after_rotation(tmp_path: Path) -> None:
    path = tmp_path / "syncd.log"
    path.write_text('{"event":"older"}\n')
    _, err = run(f"""
        import os
        configure(file={str(path)!r})
        log.info('poll_done')
        os.rename({str(path)!r}, {str(path)!r} + '.1')
        log.info('poll_done', count=2)
    """)
    assert err == ""
    assert [event["event"] for event in lines((tmp_path / "syncd.log.1").read_text())] == ["older", "poll_done"]
    assert [event["count"] for event in lines(path.read_text())] == [2]


def test_a_log_file_that_cannot_be_opened_anew_holds_nobody_up_and_tells_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "log"
    folder.mkdir()
    out, err = run(f"""
        import os
        configure(file={str(folder / "syncd.log")!r})
        log.info('poll_done')
        os.rename({str(folder)!r}, {str(folder)!r} + '.away')
        log.info('poll_done', owner='Hoàng Thị Mẫu')
        print('goes on')
        os.rename({str(folder)!r} + '.away', {str(folder)!r})
        log.info('poll_done', count=3)
    """)
    assert out == "goes on\n"
    assert err.startswith("syncd cannot write its log: FileNotFoundError")
    assert "Mẫu" not in err
    assert [event.get("count") for event in lines((folder / "syncd.log").read_text())] == [None, 3]


def test_configuring_again_replaces_the_first_way_out(tmp_path: Path) -> None:
    path = tmp_path / "syncd.log"
    _, err = run(f"""
        configure(file={str(path)!r})
        configure()
        log.info('poll_done')
    """)
    assert path.read_text() == ""
    assert len(lines(err)) == 1


def test_the_console_format_is_for_people() -> None:
    _, err = run("""
        configure(format='console', node='bk-01')
        log.warning('breaker_opened', target='dvcqg', token='matkhau')
    """)
    assert "breaker_opened" in err
    assert "target=dvcqg" in err
    assert "matkhau" not in err


def test_what_nobody_caught_is_one_line_in_whatever_thread() -> None:
    _, err = run(
        """
        import threading
        configure()
        report_uncaught()
        def crash():
            raise ValueError('006088001234')
        thread = threading.Thread(target=crash, name='worker-1')
        thread.start()
        thread.join()
        crash()
        """,
        expect=1,
    )
    first, second = lines(err)
    assert (first["event"], first["thread"], first["error"]) == ("thread_crashed", "worker-1", "ValueError: ***")
    assert (second["event"], second["level"]) == ("syncd_crashed", "critical")


def test_an_unknown_time_zone_is_told_at_once() -> None:
    _, err = run("configure(timezone='Asia/Bac_Kan')", expect=1)
    assert "ZoneInfoNotFoundError" in err


def test_importing_the_module_does_not_cost_the_import_of_structlog() -> None:
    done = subprocess.run([sys.executable, "-c", "import sys, syncd.logs; sys.exit('structlog' in sys.modules)"], check=False, timeout=60)
    assert done.returncode == 0


@pytest.mark.parametrize("level", ["info", "warning", "error"])
def test_the_name_of_a_level_is_lower_case(level: str) -> None:
    _, err = run(f"configure()\nlog.{level}('poll_done')")
    assert lines(err)[0]["level"] == level
