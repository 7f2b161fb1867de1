//! Opens the system's browser, or says why not.
//!
//! RFC 8252 §8.12: an embedded view is never used. `BROWSER` is honoured.

use url::Url;

use super::launchers;

/// Opens addresses. A test passes a scripted person.
///
/// ```
/// use hallpass_client::Browser;
/// use url::Url;
///
/// /// Hands addresses to the program that started this one.
/// #[derive(Debug)]
/// struct Host;
///
/// impl Browser for Host {
///     fn open(&self, url: &Url) -> Result<(), String> {
///         println!("open {url}");
///         Ok(())
///     }
/// }
/// # assert!(Host.open(&"https://login.example.com".parse().unwrap()).is_ok());
/// ```
pub trait Browser: Send + Sync + std::fmt::Debug {
    /// Opens an address; returns once the browser was started, with the reason when it was not.
    ///
    /// It is called on a thread where blocking is fine.
    fn open(&self, url: &Url) -> Result<(), String>;

    /// The programs that [`Browser::open`] tries, in order, for a program that has to know.
    fn launchers(&self) -> Vec<String> {
        Vec::new()
    }
}

/// The browser that the system, or `BROWSER`, names. Its output goes nowhere.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemBrowser;

impl Browser for SystemBrowser {
    fn open(&self, url: &Url) -> Result<(), String> {
        // Only what a browser shows is opened.
        if !matches!(url.scheme(), "https" | "http") {
            return Err(format!("`{}` addresses are not opened", url.scheme()));
        }
        launchers::open(url)
    }

    fn launchers(&self) -> Vec<String> {
        launchers::names()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c_07_only_web_addresses_are_opened() {
        for address in [
            "javascript:alert(1)",
            "file:///etc/passwd",
            "data:text/html,x",
        ] {
            assert!(
                SystemBrowser.open(&Url::parse(address).unwrap()).is_err(),
                "{address}"
            );
        }
    }
}
