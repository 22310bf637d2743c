"""`audit anchor` against a time-stamping authority made with openssl: by hand and over HTTP."""

from __future__ import annotations

import shutil
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING

import pytest
import typer
from typer.testing import CliRunner

from platesieve.adapters.disk.audit_folder import AuditFolder
from platesieve.audit.entry import ReadingStarted
from platesieve.cli import audit
from platesieve.domain.errors import InputError, LinkError
from tests.fakes.log_files import SIGNER, many

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from typer.testing import Result

pytestmark = pytest.mark.integration
app = typer.Typer()
app.add_typer(audit.app, name="audit")
CONFIG = """
[tsa]
default_tsa = here
[here]
serial = {0}/serial
crypto_device = builtin
signer_cert = {0}/tsa.pem
signer_key = {0}/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
ess_cert_id_chain = no
ess_cert_id_alg = sha256
"""


def openssl(*words: str | Path) -> None:
    """Run openssl."""
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True, timeout=60)


class Authority:
    """A CA and a time-stamping certificate below it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder, self.root = folder, folder / "ca.pem"
        new = ("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
        openssl(*new, "-x509", "-keyout", folder / "ca.key", "-out", self.root, "-subj", f"/CN={folder.name} CA")
        openssl(*new, "-keyout", folder / "tsa.key", "-out", folder / "tsa.csr", "-subj", f"/CN={folder.name} TSA")
        (folder / "ext").write_text("extendedKeyUsage=critical,timeStamping\nkeyUsage=critical,digitalSignature\n")
        openssl("x509", "-req", "-in", folder / "tsa.csr", "-CA", self.root, "-CAkey", folder / "ca.key",
                "-CAcreateserial", "-out", folder / "tsa.pem", "-extfile", folder / "ext")  # fmt: skip
        (folder / "serial").write_text("01")
        (folder / "config").write_text(CONFIG.format(folder))

    def answer(self, query: Path, response: Path) -> None:
        """Stamp a request with the time of this machine."""
        openssl("ts", "-reply", "-config", self.folder / "config", "-queryfile", query, "-out", response)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """Return an authority."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    return Authority(tmp_path / "honest")


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Return a log of 300 entries."""
    (tmp_path / "cam-1.vkey").write_text(SIGNER.verifier.vkey)
    with AuditFolder(tmp_path / "log", SIGNER) as folder:
        folder.append(many(300))
    return tmp_path / "log"


def run(command: str, log: Path, *words: str | Path) -> Result:
    """Run a command with the key that was noted."""
    vkey = log.parent / "cam-1.vkey"
    return CliRunner().invoke(app, ["audit", command, str(log), "--vkey", str(vkey), *map(str, words)])


def stamped(log: Path, authority: Authority) -> Result:
    """Carry a request to the authority, and its answer back."""
    query, response = log.parent / "q.tsq", log.parent / "r.tsr"
    query.unlink(missing_ok=True)
    assert run("anchor", log, "--query", query).exit_code == 0
    authority.answer(query, response)
    return run("anchor", log, "--response", response, "--tsa-certificate", authority.root)


def test_a_stamp_carried_by_hand_counts_as_a_witness(log: Path, authority: Authority) -> None:
    """The log grows meanwhile; openssl says the same of the files as we do."""
    query, response = log.parent / "q.tsq", log.parent / "r.tsr"
    assert run("anchor", log, "--query", query).exit_code == 0
    with AuditFolder(log, SIGNER) as folder:
        folder.append([ReadingStarted(time.time_ns())])
    authority.answer(query, response)

    kept = run("anchor", log, "--response", response, "--tsa-certificate", authority.root)
    verdict = run("verify", log, "--tsa-certificate", authority.root)

    assert "the log had 300 entries at 20" in kept.stdout, kept.exception
    assert "its first 300 entries are those that a witness saw" in verdict.stdout, verdict.exception
    assert "1 time stamps lie beside" in run("verify", log).stderr
    openssl("ts", "-verify", "-data", log / "anchors/300.checkpoint", "-in", log / "anchors/300.tsr", "-CAfile",
            authority.root, "-untrusted", authority.folder / "tsa.pem")  # fmt: skip


def test_a_log_that_was_cut_off_or_written_anew_is_exit_73(log: Path, authority: Authority, tmp_path: Path) -> None:
    """The stamp says what there was; the control is the test above."""
    stamped(log, authority)
    for name, entries in (("shorter", many(10)), ("other", many(400, first=7))):
        with AuditFolder(tmp_path / name, SIGNER) as folder:
            folder.append(entries)
        shutil.copytree(log / "anchors", tmp_path / name / "anchors")

        assert run("verify", tmp_path / name).exit_code == 0
        assert run("verify", tmp_path / name, "--tsa-certificate", authority.root).exit_code == 73


def test_backdating_behind_a_stamp_is_exit_73(
    tmp_path: Path, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An entry behind it, more than an hour older than it; one that is younger is not."""
    (tmp_path / "cam-1.vkey").write_text(SIGNER.verifier.vkey)
    log, now_ns = tmp_path / "log", time.time_ns()
    step = (now_ns - many(1)[0].time_ns) // 10**9
    with AuditFolder(log, SIGNER) as folder:
        folder.append(many(3, first=step - 2 * 86_400))
    stamped(log, authority)
    honest = shutil.copytree(log, tmp_path / "honest-log")
    for path, first in ((log, step - 86_400), (honest, step + 60)):
        with AuditFolder(path, SIGNER) as folder:
            folder.append(many(1, first=first))

    verdict = run("verify", log, "--tsa-certificate", authority.root)

    assert verdict.exit_code == 73
    assert "a time-stamping authority had seen the log without it" in verdict.stdout
    assert run("verify", honest, "--tsa-certificate", authority.root).exit_code == 0


def test_a_stamp_of_nobody_we_trust_is_refused(log: Path, authority: Authority, tmp_path: Path) -> None:
    """Neither kept, nor believed where it lies there already; nor one about another log, nor noise."""
    forger = Authority(tmp_path / "forger")
    query, response = tmp_path / "forged.tsq", tmp_path / "forged.tsr"
    run("anchor", log, "--query", query)
    forger.answer(query, response)

    refused = run("anchor", log, "--response", response, "--tsa-certificate", authority.root)
    assert isinstance(refused.exception, InputError)
    assert not (log / "anchors/300.tsr").exists()

    stamped(log, authority)
    assert run("verify", log, "--tsa-certificate", authority.root).exit_code == 0
    shutil.copy(response, log / "anchors/300.tsr")
    assert isinstance(run("verify", log, "--tsa-certificate", authority.root).exception, InputError)
    (log / "anchors/300.tsr").write_bytes(b"noise")
    assert isinstance(run("verify", log, "--tsa-certificate", authority.root).exception, InputError)
    shutil.rmtree(log / "anchors")
    stray = run("anchor", log, "--response", response, "--tsa-certificate", authority.root)
    assert "no checkpoint" in str(stray.exception)


@pytest.fixture
def server(authority: Authority) -> Iterator[str]:
    """Return the address of the authority on this machine."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            query, response = authority.folder / "http.tsq", authority.folder / "http.tsr"
            query.write_bytes(self.rfile.read(int(self.headers["Content-Length"])))
            authority.answer(query, response)
            self.send_response(200 if self.path == "/tsr" else 500)
            self.end_headers()
            self.wfile.write(response.read_bytes())

        def log_message(self, *_: object) -> None:
            pass

    http = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=http.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{http.server_port}"
    http.shutdown()
    thread.join()
    http.server_close()


def test_an_authority_is_asked_over_http(log: Path, authority: Authority, server: str) -> None:
    """And is named where it fails."""
    asked = run("anchor", log, "--tsa", f"{server}/tsr", "--tsa-certificate", authority.root, "--json")
    broken = run("anchor", log, "--tsa", f"{server}/no", "--tsa-certificate", authority.root)
    nowhere = run("anchor", log, "--tsa", "http://127.0.0.1:1/tsr", "--tsa-certificate", authority.root)

    assert '"size": 300' in asked.stdout, asked.exception
    assert [type(answer.exception) for answer in (broken, nowhere)] == [LinkError, LinkError]
    assert run("verify", log, "--tsa-certificate", authority.root).exit_code == 0
    assert run("anchor", log).exit_code == 2
    assert run("anchor", log, "--tsa", server).exit_code == 2
