//! `[tls]`.

use crate::settings::error::SettingsError;
use crate::settings::files::Source;
use crate::settings::refusal::{bad, with_hint};
use crate::settings::server_toml::{Tls, TlsMode};
use crate::tls::{self, Certificate};

pub(super) fn certificate(
    source: &Source,
    tls: Option<Tls>,
    is_https: bool,
) -> Result<Option<Certificate>, SettingsError> {
    let tls = tls.unwrap_or_default();
    let off = match tls.mode {
        Some(TlsMode::Off) => true,
        Some(TlsMode::File) => false,
        None => !is_https && tls.cert.is_none() && tls.key.is_none(),
    };
    match (off, &tls.cert, &tls.key) {
        (true, None, None) => Ok(None),
        (true, ..) => Err(bad(
            source,
            "tls.mode",
            "is `off`, but a certificate is named too",
        )),
        (false, Some(cert), Some(key)) => {
            let [cert, key] = [cert, key].map(|file| source.folder.join(file));
            tls::read_pem(&cert, &key)
                .map(Some)
                .map_err(|problem| bad(source, "tls", &problem))
        }
        (false, ..) => Err(with_hint(
            bad(source, "tls", "names no `cert` and `key`"),
            "name both files, or behind a proxy that speaks TLS write `mode = \"off\"`",
        )),
    }
}
