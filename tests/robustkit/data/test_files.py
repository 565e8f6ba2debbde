"""Files that a stranger laid out."""

import os

import pytest

from robustkit.data import files
from robustkit.data.files import Tree, local_path, open_regular
from robustkit.errors import UsageError


@pytest.mark.parametrize("text", ["", "~nouser/x", "a\0b", "x" * 5000, "none", "\udcff"])
@pytest.mark.parametrize("folder", [True, False])
def test_what_is_no_path_gets_one_sentence(text, folder):
    with pytest.raises(UsageError, match="give another") as caught:
        local_path(text, folder=folder, expected="give another")
    assert len(str(caught.value)) < 400
    assert "\n" not in str(caught.value)


def test_a_folder_is_not_a_file_and_a_file_not_a_folder(tmp_path):
    (tmp_path / "x").write_text("")
    with pytest.raises(UsageError, match="is not a folder"):
        local_path(str(tmp_path / "x"), folder=True, expected="")
    with pytest.raises(UsageError, match="is not a regular file"):
        local_path(str(tmp_path), folder=False, expected="")


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "x.png")
    with pytest.raises(OSError, match="not a regular file"):
        open_regular(tmp_path / "x.png")
    with pytest.raises(OSError, match="not a regular file"):
        open_regular("/dev/zero")


def test_links_may_lead_where_they_like_inside_the_folder_alone(tmp_path):
    root, outside = tmp_path / "root", tmp_path / "private"
    (root / "a").mkdir(parents=True)
    (root / "a/x").write_text("in")
    outside.write_text("out")
    (root / "inside").symlink_to(root / "a/x")
    (root / "gone").symlink_to(outside.parent / "gone")
    assert [entry.name for entry in Tree(root).entries()] == ["a", "gone", "inside"]
    with Tree(root).open("inside") as file:
        assert file.read() == b"in"
    (root / "leak").symlink_to(outside)
    for use in (Tree(root).entries, lambda: Tree(root).open("leak"), lambda: Tree(root).open("../private")):
        with pytest.raises(UsageError, match=r"leads out of that folder.*--follow-links"):
            use()
    with Tree(root, follow_links=True).open("leak") as file:
        assert file.read() == b"out"


def test_the_root_may_itself_be_a_link(tmp_path):
    (tmp_path / "real/a").mkdir(parents=True)
    (tmp_path / "real/a/x").write_text("in")
    (tmp_path / "root").symlink_to(tmp_path / "real")
    assert list(Tree(tmp_path / "root").walk("a")) == ["a/x"]
    Tree(tmp_path / "root").open("a/x").close()


def test_a_loop_is_walked_once(tmp_path):
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "a/x").write_text("")
    (tmp_path / "a/b/back").symlink_to(tmp_path)
    (tmp_path / "a/b/self").symlink_to("self")
    assert list(Tree(tmp_path).walk("a")) == ["a/x", "a/b/self"]


def test_what_the_kernel_makes_up_is_not_walked(tmp_path, monkeypatch):
    if os.path.isdir("/proc/self"):
        with pytest.raises(UsageError, match="belongs to the kernel"):
            Tree(files.Path("/proc"), follow_links=True).entries()
    monkeypatch.setattr(files, "_made_up_devices", lambda: {os.stat(tmp_path).st_dev})
    with pytest.raises(UsageError, match="belongs to the kernel"):
        Tree(tmp_path).entries()


def test_a_folder_that_may_not_be_read_is_named(tmp_path, monkeypatch):
    def denied(path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(files.os, "scandir", denied)
    with pytest.raises(UsageError, match="cannot be read: Permission denied"):
        Tree(tmp_path).entries()
