//! What is asked of every mail that is due: who writes, in which language, and whether it is one too many.

use hallpass_issuer::account::Account;
use hallpass_issuer::limits::Limit;
use hallpass_issuer::mail::Due;
use hallpass_issuer::tokens::one_time::SecretHash;
use hallpass_store::counters;

use crate::error::Fault;
use crate::languages::Language;
use crate::mail::Sender;
use crate::state::State;

/// What the person chose, else the language of the page on which the mail was asked for.
pub(super) fn language_of(state: &State, account: Option<&Account>, due: &Due) -> Language {
    let chosen = account.and_then(|account| account.locale.as_ref());
    let known = [chosen, due.locale.as_ref()].into_iter().flatten();
    let mut languages = known.filter_map(|tag| Language::for_range(tag));
    languages.next().unwrap_or(state.settings.branding.language)
}

/// Who writes, to somebody who reads a language.
pub(super) fn sender(state: &State, language: Language) -> Sender<'_> {
    let branding = &state.settings.branding;
    Sender {
        language,
        service: &branding.name,
        colors: branding.accent.unwrap_or_default().in_mail(),
    }
}

/// Charged once for each mail, not for each attempt at sending it: all budgets, or none.
pub(super) async fn is_asked_too_often(
    state: &State,
    due: &Due,
    budgets: &[(String, Limit)],
) -> Result<bool, Fault> {
    if due.attempts > 0 {
        return Ok(false);
    }
    let budgets = budgets.iter();
    let budgets = budgets.map(|(name, limit)| (SecretHash::of(name.as_bytes()), *limit));
    let budgets: Vec<_> = budgets.collect();
    let now = state.now();
    let charged = state.store.write(move |tx| {
        let mut charged = Vec::new();
        for (bucket, limit) in &budgets {
            match counters::load(tx, bucket)?.spend(*limit, now) {
                Ok(tries) => charged.push((bucket, tries)),
                Err(_) => return Ok(true),
            }
        }
        for (bucket, tries) in charged {
            counters::save(tx, bucket, tries)?;
        }
        Ok(false)
    });
    Ok(charged.await?)
}
