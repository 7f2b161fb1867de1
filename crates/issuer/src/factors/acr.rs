//! How strong a sign-in was, as tokens say it and clients ask for it.
//!
//! OIDC Core §2 (`acr`) and §3.1.2.1 (`acr_values`): <https://openid.net/specs/openid-connect-core-1_0.html#IDToken>,
//! RFC 9470 §4: <https://www.rfc-editor.org/rfc/rfc9470#section-4>

use serde::{Deserialize, Serialize};

/// An authentication context class, the weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Acr {
    /// `pwd`: one factor, a password.
    #[serde(rename = "pwd")]
    Password,
    /// `mfa`: two factors of different kinds.
    #[serde(rename = "mfa")]
    SecondFactor,
    /// `phr`: two factors, one of them a passkey, which works for no other server's page.
    #[serde(rename = "phr")]
    PhishingResistant,
}

impl Acr {
    /// All of them, the weakest first.
    pub const ALL: [Self; 3] = [Self::Password, Self::SecondFactor, Self::PhishingResistant];

    /// The value in `acr`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Password => "pwd",
            Self::SecondFactor => "mfa",
            Self::PhishingResistant => "phr",
        }
    }

    /// Reads a value of `acr`.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|acr| acr.as_str() == text)
    }
}

/// What a client asks for with `acr_values`: any of these will do, the first one best.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AcrValues {
    known: Vec<Acr>,
    is_asked: bool,
}

impl AcrValues {
    /// Reads the parameter: values with spaces between them. One that is not known here cannot be
    /// reached.
    pub fn parse(text: Option<&str>) -> Self {
        let values = text.unwrap_or_default().split_ascii_whitespace();
        Self {
            is_asked: values.clone().next().is_some(),
            known: values.filter_map(Acr::parse).collect(),
        }
    }

    /// The value that a sign-in of some strength is told as: the first of those asked for that it
    /// reaches, its own where none is asked for; `None` when it reaches none.
    pub fn met_by(&self, reached: Option<Acr>) -> Option<Acr> {
        if !self.is_asked {
            return reached;
        }
        let mut known = self.known.iter().copied();
        known.find(|asked| Some(*asked) <= reached)
    }

    /// Whether a sign-in of this strength will do.
    pub fn accepts(&self, reached: Option<Acr>) -> bool {
        !self.is_asked || self.met_by(reached).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s_221_any_asked_value_will_do_and_an_unknown_one_is_never_reached() {
        let (pwd, mfa) = (Some(Acr::Password), Some(Acr::SecondFactor));
        let phr = Some(Acr::PhishingResistant);
        for (asked, reached, told) in [
            (None, pwd, Some(pwd)),
            (None, mfa, Some(mfa)),
            (None, None, Some(None)),
            (Some(""), pwd, Some(pwd)),
            (Some("pwd"), pwd, Some(pwd)),
            // The client compares what it is told with what it asked for.
            (Some("pwd"), mfa, Some(pwd)),
            (Some("mfa"), pwd, None),
            (Some("mfa"), mfa, Some(mfa)),
            (Some("mfa pwd"), pwd, Some(pwd)),
            (Some("mfa pwd"), mfa, Some(mfa)),
            (Some("pwd mfa"), mfa, Some(pwd)),
            (Some("gold"), mfa, None),
            (Some("gold  mfa"), mfa, Some(mfa)),
            (Some("MFA"), mfa, None),
            (Some("pwd"), None, None),
            (Some("phr"), mfa, None),
            (Some("phr"), phr, Some(phr)),
            (Some("mfa"), phr, Some(mfa)),
            (Some("phr mfa"), mfa, Some(mfa)),
        ] {
            let values = AcrValues::parse(asked);
            assert_eq!(values.accepts(reached), told.is_some(), "{asked:?}");
            assert_eq!(values.met_by(reached), told.flatten(), "{asked:?}");
        }
    }

    #[test]
    fn a_value_is_read_back() {
        for acr in Acr::ALL {
            assert_eq!(Acr::parse(acr.as_str()), Some(acr));
        }
        assert!(Acr::ALL.is_sorted());
    }
}
