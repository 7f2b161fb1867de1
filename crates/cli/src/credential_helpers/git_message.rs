//! What git says to a helper, and what it hears: lines of `key=value`.
//!
//! git-credential(1), "INPUT/OUTPUT FORMAT": <https://git-scm.com/docs/git-credential#IOFMT>

use hallpass_client::{Secret, Timestamp};

use crate::config::HelperPlace;

/// What git says, as far as it matters.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Question {
    protocol: Option<String>,
    host: Option<String>,
    /// What the host refused, in `erase`.
    refused: Option<Secret<String>>,
    takes_authtype: bool,
    /// The schemes of `WWW-Authenticate` (RFC 9110 §11.6.1), in small letters.
    schemes: Vec<String>,
}

/// How a token is handed to git.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// With its scheme: git 2.46 and newer.
    Bearer,
    /// As the password of Basic, under the name that hosts expect with an OAuth token.
    Password,
}

impl Question {
    /// Reads it; `None` for what git does not write. Row C-76: nothing is guessed, and nothing is said
    /// twice.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        if bytes.contains(&b'\r') || bytes.contains(&0) {
            return None;
        }
        let mut read = Self::default();
        for line in bytes.split(|byte| *byte == b'\n') {
            if line.is_empty() {
                break;
            }
            let at = line.iter().position(|byte| *byte == b'=')?;
            let (key, value) = (line.get(..at)?, line.get(at + 1..)?);
            let place = match key {
                b"protocol" => &mut read.protocol,
                b"host" => &mut read.host,
                b"password" | b"credential" => {
                    let value = std::str::from_utf8(value).ok()?;
                    read.refused = Some(Secret::from(value));
                    continue;
                }
                b"capability[]" => {
                    read.takes_authtype |= value == b"authtype";
                    continue;
                }
                b"wwwauth[]" => {
                    let scheme = value.split(|byte| *byte == b' ').next()?;
                    let scheme = String::from_utf8_lossy(scheme);
                    read.schemes.push(scheme.to_ascii_lowercase());
                    continue;
                }
                // git takes it apart before it asks a helper: nobody else's word counts.
                b"url" => return None,
                _ => continue,
            };
            if place.is_some() {
                return None;
            }
            *place = Some(std::str::from_utf8(value).ok()?.to_owned());
        }
        Some(read)
    }

    /// The host, if git reaches it by https.
    pub(super) fn place(&self) -> Option<HelperPlace> {
        if self.protocol.as_deref() != Some("https") {
            return None;
        }
        HelperPlace::of_authority(self.host.as_deref()?)
    }

    /// The token that the host refused.
    pub(super) fn refused(&self) -> Option<&str> {
        self.refused.as_ref().map(|token| token.expose().as_str())
    }

    /// A host that offers schemes, and Bearer is none of them, gets the token as a password.
    pub(super) fn form(&self) -> Form {
        let offers_bearer = self.schemes.iter().any(|scheme| scheme == "bearer");
        if self.takes_authtype && (self.schemes.is_empty() || offers_bearer) {
            Form::Bearer
        } else {
            Form::Password
        }
    }
}

/// The answer with a token; `None` for one that is no line of text.
pub(super) fn answer(
    form: Form,
    token: &Secret<String>,
    expires_at: Option<Timestamp>,
) -> Option<Secret<String>> {
    let token = token.expose();
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return None;
    }
    // A capability is named before what needs it.
    let mut lines = match form {
        Form::Bearer => {
            format!("capability[]=authtype\nauthtype=Bearer\ncredential={token}\nephemeral=1\n")
        }
        Form::Password => format!("username={USERNAME}\npassword={token}\n"),
    };
    if let Some(at) = expires_at {
        lines.extend([format!("password_expiry_utc={}\n", at.unix_seconds())]);
    }
    Some(Secret::new(lines))
}

/// What GitLab wants with an OAuth token, and others ignore.
const USERNAME: &str = "oauth2";

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(text: &str) -> Option<String> {
        let place = Question::parse(text.as_bytes())?.place()?;
        Some(place.to_string())
    }

    #[test]
    fn c_76_git_s_words_name_one_host_or_none() {
        let own = Some("https://git.example.com".to_owned());
        for good in [
            "protocol=https\nhost=git.example.com\n\n",
            "protocol=https\nhost=git.example.com",
            "capability[]=authtype\ncapability[]=state\nprotocol=https\nhost=git.example.com:443\nusername=ada\npath=a b\n",
            "protocol=https\nhost=git.example.com\n\nhost=evil.test\n",
        ] {
            assert_eq!(asked(good), own, "{good:?}");
        }
        for bad in [
            "",
            "\n",
            "protocol=http\nhost=git.example.com\n",
            "host=git.example.com\n",
            "protocol=\nhost=git.example.com\n",
            "protocol=HTTPS\nhost=git.example.com\n",
            "protocol=https\n",
            "protocol=https\nhost=\n",
            "protocol=https\nhost=evil.test\nhost=git.example.com\n",
            "protocol=https\nhost=git.example.com\nhost=git.example.com\n",
            "protocol=http\nprotocol=https\nhost=git.example.com\n",
            "protocol=https\nhost=git.example.com\nurl=https://evil.test\n",
            "url=https://git.example.com\n",
            "protocol=https\nhost=git.example.com\rhost=evil.test\n",
            "protocol=https\r\nhost=git.example.com\r\n",
            "protocol=https\nhost=git.example.com\0\n",
            "protocol=https\nhost=git.example.com\npath=\0\n",
            "protocol=https\nhost=git.example.com\nnonsense\n",
            "protocol=https\nhost=a%0ahost=git.example.com\n",
            "protocol=https\nhost=git.example.com%0a\n",
            " protocol=https\nhost=git.example.com\n",
            "protocol =https\nhost=git.example.com\n",
            "protocol=https\nHost=git.example.com\n",
        ] {
            assert_eq!(asked(bad), None, "{bad:?}");
        }
        assert_eq!(Question::parse(b"protocol=https\nhost=\xff\n"), None);
    }

    #[test]
    fn the_form_is_what_git_and_the_host_understand() {
        let form = |text: &str| Question::parse(text.as_bytes()).unwrap().form();
        for (text, expected) in [
            ("protocol=https\n", Form::Password),
            ("capability[]=state\n", Form::Password),
            ("capability[]=authtype\n", Form::Bearer),
            (
                "capability[]=authtype\nwwwauth[]=Basic realm=\"x\"\n",
                Form::Password,
            ),
            (
                "capability[]=authtype\nwwwauth[]=Basic realm=\"x\"\nwwwauth[]=BEARER\n",
                Form::Bearer,
            ),
            ("wwwauth[]=Bearer\n", Form::Password),
        ] {
            assert_eq!(form(text), expected, "{text}");
        }
    }

    #[test]
    fn an_answer_is_as_git_reads_it() {
        let at = Some(Timestamp::from_unix_seconds(1_795_226_400));
        let told = |form, expires_at| {
            let answer = answer(form, &Secret::from("at-1"), expires_at).unwrap();
            answer.expose().clone()
        };
        assert_eq!(
            told(Form::Bearer, at),
            "capability[]=authtype\nauthtype=Bearer\ncredential=at-1\nephemeral=1\n\
             password_expiry_utc=1795226400\n"
        );
        assert_eq!(
            told(Form::Password, at),
            "username=oauth2\npassword=at-1\npassword_expiry_utc=1795226400\n"
        );
        assert_eq!(
            told(Form::Password, None),
            "username=oauth2\npassword=at-1\n"
        );
        for bad in ["", "a\nquit=1", "a b", "a\0"] {
            assert!(
                answer(Form::Bearer, &Secret::from(bad), None).is_none(),
                "{bad:?}"
            );
        }
    }

    #[test]
    fn c_49_a_refused_token_is_not_printed() {
        let asked = Question::parse(b"password=canary\n").unwrap();
        assert_eq!(asked.refused(), Some("canary"));
        assert!(!format!("{asked:?}").contains("canary"));
    }
}
