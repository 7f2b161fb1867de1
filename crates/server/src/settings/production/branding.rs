//! `[branding]`.

use std::path::Path;

use crate::branding::{Accent, Logo};
use crate::languages::Language;
use crate::settings::error::SettingsError;
use crate::settings::files::Source;
use crate::settings::mode::Branding;
use crate::settings::refusal::{bad, with_hint};
use crate::settings::server_toml;
use crate::settings::values::PublicUrl;

/// The name is that of the host unless it is given.
pub(super) fn branding(
    source: &Source,
    given: server_toml::Branding,
    public: &PublicUrl,
) -> Result<Branding, SettingsError> {
    let name = match given.name {
        Some(name) if name.trim().is_empty() || name.chars().any(char::is_control) => {
            let problem = "is empty or holds control characters";
            return Err(bad(source, "branding.name", problem));
        }
        Some(name) => name,
        None => host_of(public),
    };
    Ok(Branding {
        name,
        support: given.support,
        language: match &given.language {
            Some(tag) => language(source, tag)?,
            None => Language::default(),
        },
        accent: match &given.accent {
            Some(text) => Some(accent(source, text)?),
            None => None,
        },
        logo: match &given.logo {
            Some(file) => Some(logo(source, file)?),
            None => None,
        },
    })
}

fn accent(source: &Source, text: &str) -> Result<Accent, SettingsError> {
    text.parse().map_err(|_| {
        let problem = format!("is {text:?}, which is no color");
        let error = bad(source, "branding.accent", &problem);
        with_hint(error, "write a `#` and six hex digits, such as \"#2457d6\"")
    })
}

fn logo(source: &Source, file: &Path) -> Result<Logo, SettingsError> {
    let path = source.folder.join(file);
    // Whole, so that the settings as they are shown can be read from anywhere.
    let path = std::path::absolute(&path).unwrap_or(path);
    Logo::read(&path).map_err(|reason| {
        let problem = format!("names `{}`, which {reason}", path.display());
        let error = bad(source, "branding.logo", &problem);
        with_hint(error, reason.hint())
    })
}

fn language(source: &Source, tag: &str) -> Result<Language, SettingsError> {
    Language::of_tag(tag).ok_or_else(|| {
        let known = Language::ALL.map(|known| format!("\"{}\"", known.tag()));
        let problem = format!("is `{tag}`, which the pages do not speak");
        let error = bad(source, "branding.language", &problem);
        with_hint(error, &format!("write one of {}", known.join(", ")))
    })
}

fn host_of(public: &PublicUrl) -> String {
    match public {
        PublicUrl::Fixed(url) => url
            .split_once("://")
            .map_or("", |(_, host)| host)
            .to_owned(),
        PublicUrl::FromHost => String::new(),
    }
}
