//! The pages of second factors and passkeys.

use super::hostile::{Hostile, Rendered, moment};
use crate::pages::account::{PasskeyPage, PasskeyRow, PasskeysPage, SecurityPage};
use crate::pages::passkey::Ask;
use crate::pages::problem::Problem;
use crate::pages::second_factor::{
    AppKey, Codes, QrCode, RecoveryCodesPage, SecondFactorPage, SetUpPage, Way,
};

pub(super) fn second_factors(all: &mut Rendered) {
    for (way, error) in [
        (Way::Totp, None),
        (Way::Totp, Some(Problem::WrongTotp)),
        (Way::RecoveryCode, Some(Problem::WrongRecoveryCode)),
    ] {
        let mut t = Hostile::new(all.language);
        let page = SecondFactorPage {
            layout: t.layout(),
            form: t.form(),
            pending: Some(t.text()),
            user: t.text(),
            way,
            others: vec![Way::Passkey, Way::RecoveryCode],
            passkey: None,
            error,
        };
        t.check(all, &format!("second_factor_{}", way.as_str()), &page);
    }
    let mut t = Hostile::new(all.language);
    let page = SetUpPage {
        layout: t.layout(),
        form: t.form(),
        pending: Some(t.text()),
        user: t.text(),
        app: Some(AppKey {
            qr_code: QrCode::of("otpauth://totp/a:b?secret=A"),
            key: t.text(),
        }),
        passkey: Some(ask(&mut t)),
        error: Some(Problem::WrongTotp),
        back_url: Some(t.text()),
    };
    t.check(all, "second_factor_setup", &page);
    let mut t = Hostile::new(all.language);
    let page = RecoveryCodesPage {
        layout: t.layout(),
        user: t.text(),
        codes: vec![t.text(), t.text()],
        next: Codes::Finish {
            form: t.form(),
            pending: t.text(),
        },
    };
    t.check(all, "recovery_codes", &page);
    let mut t = Hostile::new(all.language);
    let page = SecurityPage {
        layout: t.layout(),
        form: t.form(),
        user: t.text(),
        notice: None,
        error: Some(Problem::LastFactor),
        takes_totp: true,
        totp: None,
        totp_url: t.text(),
        passkeys_url: Some(t.text()),
        has_factor: true,
        recovery_codes: 3,
        account_url: t.text(),
    };
    t.check(all, "account_security", &page);
}

pub(super) fn ask(t: &mut Hostile) -> Ask {
    Ask {
        function: "get",
        options: t.text(),
        challenge: t.text(),
        is_conditional: true,
        is_again: false,
        is_only_way: false,
    }
}

pub(super) fn passkeys(all: &mut Rendered) {
    let mut t = Hostile::new(all.language);
    let row = |t: &mut Hostile, used| PasskeyRow {
        id: t.text(),
        name: t.text(),
        is_synced: used,
        created: moment(90),
        used: used.then(|| moment(30)),
    };
    let page = PasskeysPage {
        layout: t.layout(),
        form: t.form(),
        account_url: t.text(),
        notice: Some(all.language.words().done_passkey_works),
        problem: Some(Problem::PasskeyNotMade),
        passkeys: vec![row(&mut t, true), row(&mut t, false)],
        ask: Some(ask(&mut t)),
    };
    t.check(all, "account_passkeys", &page);
    let mut t = Hostile::new(all.language);
    let page = PasskeyPage {
        layout: t.layout(),
        form: t.form(),
        problem: Some(Problem::PasskeyNotAccepted),
        id: t.text(),
        name: t.text(),
        ask: ask(&mut t),
    };
    t.check(all, "account_passkey", &page);
}
