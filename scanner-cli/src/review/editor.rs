//! Opens a file at a line in the editor that the user chose.

use std::{
    env,
    ffi::{OsStr, OsString},
    path::Path,
    process::Command,
};

/// Opens an editor, and returns when it ended.
///
/// # Errors
/// What went wrong, for people.
pub(super) fn open(file: &Path, line: u64) -> Result<(), String> {
    let editor = chosen(|name| env::var_os(name));
    let name = editor.to_string_lossy().into_owned();
    match command(&editor, file, line).status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{name} ended with {status}")),
        Err(error) => Err(format!("cannot run {name}: {error}")),
    }
}

/// As git chooses, but for git's own settings.
fn chosen(variable: impl Fn(&str) -> Option<OsString>) -> OsString {
    let set = |name| variable(name).filter(|value| !value.is_empty());
    set("VISUAL")
        .or_else(|| set("EDITOR"))
        .unwrap_or_else(|| "vi".into())
}

/// The setting may hold arguments and whatever a shell understands, so that a shell runs it, as git
/// does. The file's name is an argument of its own and never part of what the shell reads.
fn command(editor: &OsStr, file: &Path, line: u64) -> Command {
    let mut script = editor.to_owned();
    script.push(" \"$@\"");
    let mut command = Command::new("sh");
    command.arg("-c").arg(script).arg("sh");
    let mut with_line = file.as_os_str().to_owned();
    with_line.push(format!(":{line}"));
    match program(editor).as_str() {
        "code" | "code-insiders" | "codium" | "cursor" => {
            command.arg("--goto").arg(with_line);
        }
        "hx" | "helix" | "subl" | "zed" | "zeditor" => {
            command.arg(with_line);
        }
        _ => {
            command.arg(format!("+{line}")).arg(file);
        }
    }
    command
}

/// The name of the program that a setting begins with.
fn program(editor: &OsStr) -> String {
    let text = editor.to_string_lossy();
    let first = text.split_whitespace().next().unwrap_or_default();
    first.rsplit('/').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(editor: &str) -> Vec<String> {
        let made = command(OsStr::new(editor), Path::new("/a b/$(x).rs"), 7);
        let args = made.get_args().skip(3);
        args.map(|arg| arg.to_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn editors_are_told_the_line_in_their_own_way() {
        assert_eq!(args("vim -n"), ["+7", "/a b/$(x).rs"]);
        assert_eq!(args("/usr/bin/code --wait"), ["--goto", "/a b/$(x).rs:7"]);
        assert_eq!(args("hx"), ["/a b/$(x).rs:7"]);
    }

    #[test]
    fn the_first_setting_that_is_not_empty_counts() {
        let with = |visual: &'static str, editor: &'static str| {
            chosen(move |name| Some(if name == "VISUAL" { visual } else { editor }.into()))
        };
        assert_eq!(with("a", "b"), "a");
        assert_eq!(with("", "b"), "b");
        assert_eq!(chosen(|_| None), "vi");
    }

    #[test]
    fn a_file_name_is_never_read_by_the_shell() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("$(touch made) 'x\".txt");
        std::fs::write(&file, "").unwrap();
        let out = dir.path().join("out");
        let editor = format!("printf '%s\\n' > {} ", out.display());
        let status = command(OsStr::new(&editor), &file, 3)
            .current_dir(dir.path())
            .status();
        assert!(status.unwrap().success());
        let told = std::fs::read_to_string(out).unwrap();
        assert_eq!(told, format!("+3\n{}\n", file.display()));
        assert!(!dir.path().join("made").exists());
    }
}
