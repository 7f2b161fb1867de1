//! The browser that a profile names: a command with `%u` where the address goes.
//!
//! Row C-80: the address is one argument, whatever is in it; no shell sees it.

use std::process::{Command, Stdio};

use hallpass_client::Browser;
use url::Url;

/// A command, program first.
#[derive(Clone, Debug)]
pub(crate) struct CommandBrowser(Vec<String>);

impl CommandBrowser {
    /// The command as it was written.
    pub(crate) fn new(command: Vec<String>) -> Self {
        Self(command)
    }

    /// The command for an address; without `%u` it comes last.
    fn words(&self, url: &Url) -> Vec<String> {
        let mut words: Vec<_> = self
            .0
            .iter()
            .map(|word| word.replace("%u", url.as_str()))
            .collect();
        if !self.0.iter().any(|word| word.contains("%u")) {
            words.push(url.as_str().to_owned());
        }
        words
    }
}

impl Browser for CommandBrowser {
    fn open(&self, url: &Url) -> Result<(), String> {
        if !matches!(url.scheme(), "https" | "http") {
            return Err(format!("`{}` addresses are not opened", url.scheme()));
        }
        let words = self.words(url);
        let [program, arguments @ ..] = words.as_slice() else {
            return Err("no program is named".to_owned());
        };
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("{program}: {error}"))?;
        // Some browsers end at once, some when the last window closes: nobody waits for them, but
        // their end is taken note of.
        std::thread::spawn(move || child.wait());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c_80_an_address_is_one_argument_whatever_is_in_it() {
        let url = Url::parse("https://as.test/a?x=;touch%20y&z=$(id)").unwrap();
        let words = |command: &[&str]| {
            CommandBrowser::new(command.iter().map(|&word| word.to_owned()).collect()).words(&url)
        };
        assert_eq!(
            words(&["firefox", "-P", "%u"]),
            ["firefox", "-P", url.as_str()]
        );
        assert_eq!(words(&["firefox"]), ["firefox", url.as_str()]);
        assert_eq!(words(&["x", "--url=%u"])[1], format!("--url={url}"));
    }

    #[test]
    fn c_07_only_web_addresses_are_opened() {
        let url = Url::parse("file:///etc/passwd").unwrap();
        assert!(
            CommandBrowser::new(vec!["true".to_owned()])
                .open(&url)
                .is_err()
        );
    }
}
