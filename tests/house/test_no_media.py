"""No picture lives in the repository but vector drawings made here and the manual's own screenshots."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ALLOWED_PICTURES = ("docs/pictures/",)  # screenshots of our own pages, taken by a test
MEDIA = {
    ".jpg",
    ".jpeg",
    ".png",
    ".gif",
    ".webp",
    ".avif",
    ".bmp",
    ".mp4",
    ".webm",
    ".mov",
    ".avi",
    ".mp3",
    ".ico",
    ".tif",
    ".tiff",
}
SIGNS = (
    b"\xff\xd8\xff",
    b"\x89PNG",
    b"GIF8",
    b"RIFF",
    b"\x00\x00\x00\x18ftyp",
    b"\x00\x00\x00\x20ftyp",
    b"\x1aE\xdf\xa3",
)


def tracked() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT, capture_output=True, check=True
    ).stdout.split(b"\0")
    return [ROOT / name.decode() for name in listed if name]


def is_media(file: Path) -> bool:
    if file.suffix.lower() in MEDIA:
        return True
    return file.is_file() and file.read_bytes()[:32].startswith(SIGNS)


def test_no_media_in_the_repository():
    found = [
        str(file.relative_to(ROOT))
        for file in tracked()
        if is_media(file) and not str(file.relative_to(ROOT)).startswith(ALLOWED_PICTURES)
    ]
    assert found == []


def test_the_check_knows_a_picture_by_its_first_bytes(tmp_path):
    (tmp_path / "harmless.txt").write_bytes(b"\x89PNG\r\n\x1a\n rest")
    assert is_media(tmp_path / "harmless.txt")
