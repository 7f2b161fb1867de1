//! The programs that open an address, tried in turn.
//!
//! A launcher is an argument list and never a shell command, gets no terminal and no pipe of ours, and is
//! in a process group of its own, so that Ctrl-C at the terminal does not close the person's browser.

#[cfg(all(feature = "browser", not(all(unix, not(target_os = "macos")))))]
pub(super) use desktop::{names, open};
#[cfg(not(feature = "browser"))]
pub(super) use nothing::{names, open};
#[cfg(all(feature = "browser", unix, not(target_os = "macos")))]
pub(super) use unix::{names, open};

/// A build without the feature `browser`: the address is shown, and a person opens it.
#[cfg(not(feature = "browser"))]
mod nothing {
    use url::Url;

    pub(in crate::ui) fn open(_url: &Url) -> Result<(), String> {
        Err("this program was built without one (feature `browser`)".to_owned())
    }

    pub(in crate::ui) fn names() -> Vec<String> {
        Vec::new()
    }
}

#[cfg(all(feature = "browser", not(all(unix, not(target_os = "macos")))))]
mod desktop {
    use url::Url;
    use webbrowser::{Browser as Kind, BrowserOptions, open_browser_with_options};

    pub(in crate::ui) fn open(url: &Url) -> Result<(), String> {
        let mut options = BrowserOptions::new();
        options.with_suppress_output(true);
        open_browser_with_options(Kind::Default, url.as_str(), &options)
            .map_err(|error| error.to_string())
    }

    pub(in crate::ui) fn names() -> Vec<String> {
        vec!["default browser".to_owned()]
    }
}

#[cfg(all(feature = "browser", unix, not(target_os = "macos")))]
mod unix {
    use std::os::unix::process::CommandExt as _;
    use std::process::{Command, Stdio};

    use url::Url;

    use crate::flow::{Environment, Sign};

    /// Opens an address with the first launcher that does not fail. One that goes on running is the
    /// browser itself.
    pub(in crate::ui) fn open(url: &Url) -> Result<(), String> {
        let launchers = here();
        for words in &launchers {
            if start(words, url) {
                return Ok(());
            }
        }
        Err(format!("tried {}", joined(&launchers)))
    }

    pub(in crate::ui) fn names() -> Vec<String> {
        here()
            .into_iter()
            .filter_map(|words| words.into_iter().next())
            .collect()
    }

    fn here() -> Vec<Vec<String>> {
        let browser = std::env::var_os("BROWSER").and_then(|value| value.into_string().ok());
        let is_wsl = Environment::detect().signs.contains(&Sign::Wsl);
        launchers(browser.as_deref().unwrap_or_default(), is_wsl)
    }

    /// What `BROWSER` names, then what the system has.
    pub(super) fn launchers(browser: &str, is_wsl: bool) -> Vec<Vec<String>> {
        let words = |line: &str| line.split_ascii_whitespace().map(str::to_owned).collect();
        let named = browser.split(':').map(words);
        let windows: &[&str] = if is_wsl {
            &[
                "wslview",
                "powershell.exe -NoProfile -NonInteractive -Command Start-Process '%s'",
            ]
        } else {
            &[]
        };
        let system = windows
            .iter()
            .chain(&["xdg-open", "gio open", "x-www-browser"]);
        named
            .chain(system.map(|line| words(line)))
            .filter(|words: &Vec<String>| !words.is_empty())
            .collect()
    }

    /// The arguments of a launcher: `%s` is the address, which otherwise comes last.
    pub(super) fn arguments(words: &[String], url: &Url) -> Vec<String> {
        // No quote survives, so it cannot end the string that PowerShell reads.
        let address = url.as_str().replace('\'', "%27");
        let has_place = words.iter().any(|word| word.contains("%s"));
        let placed = words
            .iter()
            .skip(1)
            .map(|word| word.replace("%s", &address));
        let last = (!has_place).then(|| address.clone());
        placed.chain(last).collect()
    }

    fn start(words: &[String], url: &Url) -> bool {
        let Some(program) = words.first() else {
            return false;
        };
        let started = Command::new(program)
            .args(arguments(words, url))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .status();
        match started {
            Ok(status) => status.success(),
            Err(error) => {
                tracing::debug!(%error, program, "a launcher cannot be started");
                false
            }
        }
    }

    fn joined(launchers: &[Vec<String>]) -> String {
        let names: Vec<_> = launchers
            .iter()
            .filter_map(|words| words.first())
            .map(String::as_str)
            .collect();
        names.join(", ")
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        fn line(words: &[String]) -> String {
            words.join(" ")
        }

        #[test]
        fn c_11_browser_comes_first_then_windows_then_the_desktop() {
            let lines: Vec<_> = launchers("firefox --private:: lynx", true)
                .iter()
                .map(|words| line(words))
                .collect();
            let expected = [
                "firefox --private",
                "lynx",
                "wslview",
                "powershell.exe -NoProfile -NonInteractive -Command Start-Process '%s'",
                "xdg-open",
                "gio open",
                "x-www-browser",
            ];
            assert_eq!(lines, expected);
            assert_eq!(launchers("", false).len(), 3);
        }

        #[test]
        fn the_address_is_one_argument_and_ends_no_string() {
            let url = Url::parse("https://as.test/it's?a=b&c=$(x)").unwrap();
            let words =
                |line: &str| -> Vec<String> { line.split(' ').map(str::to_owned).collect() };
            let last = arguments(&words("firefox --private"), &url);
            assert_eq!(last, ["--private", "https://as.test/it%27s?a=b&c=$(x)"]);
            let placed = arguments(&words("sh -c '%s'"), &url);
            assert_eq!(placed, ["-c", "'https://as.test/it%27s?a=b&c=$(x)'"]);
        }

        #[test]
        fn a_launcher_that_fails_or_is_missing_leaves_it_to_the_next() {
            let url = Url::parse("https://as.test/").unwrap();
            assert!(start(&["true".to_owned()], &url));
            assert!(!start(&["false".to_owned()], &url));
            assert!(!start(&["/no/such/launcher".to_owned()], &url));
        }
    }
}
