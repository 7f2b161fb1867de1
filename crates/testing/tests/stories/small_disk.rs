//! A disk that can be filled to the last byte, mounted where only one server sees it.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Whether this user can mount what a test wants, in a namespace of its own.
#[expect(clippy::print_stderr, reason = "a test that is skipped says why")]
pub(crate) fn can_mount() -> bool {
    let tried = Command::new("unshare")
        .args(["-r", "-m", "mount", "-t", "tmpfs", "x", "/mnt"])
        .output();
    let can = tried.is_ok_and(|output| output.status.success());
    if !can {
        eprintln!("skipped: `unshare -r -m mount` is not allowed here (no user namespaces)");
    }
    can
}

/// A disk over a folder, in a namespace that lives as long as this.
pub(crate) struct SmallDisk {
    holder: Child,
    folder: PathBuf,
}

impl SmallDisk {
    /// Mounts a disk of so many KiB over a folder, with a copy of what is in it.
    pub(crate) fn over(folder: &Path, kib: u32) -> Self {
        let script = r#"
            cp -a "$1" "$1.copy" &&
            mount -t tmpfs -o "size=$2k" x "$1" &&
            cp -a "$1.copy/." "$1/" && echo mounted && cat >/dev/null
        "#;
        let mut holder = Command::new("unshare")
            .args(["-r", "-m", "sh", "-c", script, "sh"])
            .arg(folder)
            .arg(kib.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = String::new();
        let mut output = BufReader::new(holder.stdout.take().unwrap());
        output.read_line(&mut said).unwrap();
        assert_eq!(said, "mounted\n");
        Self {
            holder,
            folder: folder.to_owned(),
        }
    }

    /// A command, run where the disk is seen.
    pub(crate) fn inside(&self, command: &Command) -> Command {
        let mut inside = self.enter();
        inside.arg(command.get_program()).args(command.get_args());
        inside.env_clear();
        for (name, value) in command.get_envs() {
            inside.env(name, value.unwrap_or(OsStr::new("")));
        }
        inside
    }

    /// Takes all the room that is left.
    pub(crate) fn fill(&self) {
        let mut fill = self.enter();
        fill.args(["sh", "-c", "cat /dev/zero >\"$1\"", "sh"]);
        let filled = fill.arg(self.filler()).output().unwrap();
        let said = String::from_utf8_lossy(&filled.stderr);
        assert!(said.contains("No space left"), "{said}");
    }

    /// Gives it back.
    pub(crate) fn make_room(&self) {
        let removed = self.enter().arg("rm").arg(self.filler()).status().unwrap();
        assert!(removed.success());
    }

    /// Where a file of the folder is for whoever does not see the disk.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        let root = format!("/proc/{}/root{}", self.holder.id(), self.folder.display());
        Path::new(&root).join(name)
    }

    fn filler(&self) -> PathBuf {
        self.folder.join("filler")
    }

    fn enter(&self) -> Command {
        let mut enter = Command::new("nsenter");
        enter.args(["--user", "--mount", "--preserve-credentials", "--target"]);
        enter.args([&self.holder.id().to_string(), "--"]);
        enter
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Its input ends, and with it the namespace.
        drop(self.holder.stdin.take());
        drop(self.holder.wait());
    }
}
