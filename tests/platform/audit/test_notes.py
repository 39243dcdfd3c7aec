"""Signed notes and checkpoints, with the test vector of Go's `sumdb/note`."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from app.platform.audit.merkle import leaf_hash
from app.platform.audit.notes import BadNote, NoteSigner, NoteVerifier, TreeHead, inclusion_proof, open_checkpoint

# The example keys and the note in the documentation of Go's package.
SEED = base64.b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
VERIFIER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
SIGNATURE = "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
NOTE = f"{TEXT}\n— PeterNeumann {SIGNATURE}\n"
SIGNER = NoteSigner("PeterNeumann", Ed25519PrivateKey.from_private_bytes(SEED))
LOG = NoteSigner("shop.example.org/audit", Ed25519PrivateKey.from_private_bytes(SEED))


def test_a_note_and_its_verifier_key_are_those_of_gos_package() -> None:
    assert str(SIGNER.verifier) == VERIFIER
    assert SIGNER.sign(TEXT) == NOTE
    assert SIGNER.verifier.text(NOTE) == TEXT


@pytest.mark.parametrize(
    "note",
    [
        "",
        TEXT,
        NOTE.replace("answer", "question"),
        NOTE.replace("x08go", "x08gp"),
        NOTE.replace("— PeterNeumann", "— PeterNewman"),
        NOTE.removesuffix("\n"),
        NOTE.replace("— ", "- "),
        NOTE.replace("JnAM=", "JnAM"),
    ],
)
def test_a_note_that_was_changed_is_refused(note: str) -> None:
    with pytest.raises(BadNote):
        SIGNER.verifier.text(note)


def test_another_signature_beside_the_logs_is_ignored() -> None:
    witness = NoteSigner("witness.example.org", Ed25519PrivateKey.generate())
    second = witness.sign(TEXT).rpartition("\n\n")[2]

    assert SIGNER.verifier.text(NOTE + second) == TEXT
    assert witness.verifier.text(NOTE + second) == TEXT


def test_a_checkpoint_has_origin_size_and_root() -> None:
    head = TreeHead("shop.example.org/audit", 20852163, leaf_hash(b"root"))

    note = head.sign(LOG)

    root = base64.b64encode(head.root).decode()
    assert note.startswith(f"shop.example.org/audit\n20852163\n{root}\n\n— shop.example.org/audit ")
    assert open_checkpoint(note, LOG.verifier) == head


def test_a_checkpoint_of_another_log_or_another_key_is_refused() -> None:
    root = leaf_hash(b"root")
    other_key = NoteVerifier(LOG.name, Ed25519PublicKey.from_public_bytes(bytes(32)))
    for note, verifier in (
        (TreeHead("other.example.org/audit", 1, root).sign(LOG), LOG.verifier),
        (TreeHead(LOG.name, 1, root).sign(LOG), other_key),
        (LOG.sign(f"{LOG.name}\n01\n{base64.b64encode(root).decode()}\n"), LOG.verifier),
        (LOG.sign(f"{LOG.name}\n1\nAAAA\n"), LOG.verifier),
        (LOG.sign(f"{LOG.name}\n"), LOG.verifier),
    ):
        with pytest.raises(BadNote):
            open_checkpoint(note, verifier)


def test_a_proof_is_text_before_its_checkpoint() -> None:
    first, second = leaf_hash(b"1"), leaf_hash(b"2")

    proof = inclusion_proof(7, [first, second], "checkpoint\n")

    lines = [base64.b64encode(one).decode() for one in (first, second)]
    assert proof == f"c2sp.org/tlog-proof@v1\nindex 7\n{lines[0]}\n{lines[1]}\n\ncheckpoint\n"
