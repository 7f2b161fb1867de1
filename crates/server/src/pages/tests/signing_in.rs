//! The pages on which people sign in and out, and let clients in.

use std::time::Duration;

use hallpass_issuer::factors::password::BadPassword;

use super::factors::ask;
use super::hostile::{Hostile, Rendered};
use crate::pages::choose_password::{Choose, ChoosePassword, Step as ChooseStep};
use crate::pages::consent::Consent;
use crate::pages::continue_as::ContinueAs;
use crate::pages::create_account::{Ask, CreateAccount, Step as CreateAccountStep};
use crate::pages::layout::{Link, Publisher};
use crate::pages::login::{Login, Purpose};
use crate::pages::other_network::OtherNetwork;
use crate::pages::problem::Problem;
use crate::pages::recover::{Recover, Step as RecoverStep};
use crate::pages::scope_line::Lifetime;
use crate::pages::sign_up::{SignUp, Step as SignUpStep};
use crate::pages::signed_out::{Confirm, SignedOut, Step as SignedOutStep};

pub(super) fn login(all: &mut Rendered) {
    let mut t = Hostile::new(all.language);
    let page = Login {
        layout: t.layout(),
        form: t.form(),
        purpose: Purpose::Continue(t.text()),
        username: t.text(),
        claims: t.text(),
        recover_url: Some(t.text()),
        sign_up_url: Some(t.text()),
        refusal: Some(Problem::WrongPassword),
        passkey: Some(ask(&mut t)),
        username_error: Some(Problem::BadUsername),
        claims_error: Some(t.text()),
        recent_users: vec![t.text()],
        parameters: t.pairs(),
    };
    t.check(all, "login", &page);
}

pub(super) fn recover(all: &mut Rendered) {
    let mut t = Hostile::new(all.language);
    let page = Recover {
        layout: t.layout(),
        login_url: t.text(),
        support: Some(t.text()),
        step: RecoverStep::Ask {
            form: t.form(),
            error: Some(Problem::TooManyLinks(Duration::from_mins(5))),
        },
    };
    t.check(all, "recover", &page);
}

pub(super) fn sign_up(all: &mut Rendered) {
    let mut t = Hostile::new(all.language);
    let page = SignUp {
        layout: t.layout(),
        login_url: t.text(),
        support: Some(t.text()),
        step: SignUpStep::Ask {
            form: t.form(),
            error: Some(Problem::NoEmail),
        },
    };
    t.check(all, "sign_up", &page);

    let mut t = Hostile::new(all.language);
    let page = SignUp {
        layout: t.layout(),
        login_url: t.text(),
        support: Some(t.text()),
        step: SignUpStep::Sent,
    };
    t.check(all, "sign_up, sent", &page);
}

pub(super) fn create_account(all: &mut Rendered) {
    let problems = [
        None,
        Some(Problem::BadDisplayName),
        Some(Problem::PasswordsDiffer),
    ];
    for problem in problems {
        let mut t = Hostile::new(all.language);
        let is_of_name = problem == Some(Problem::BadDisplayName);
        let page = CreateAccount {
            layout: t.layout(),
            step: CreateAccountStep::Ask(Ask {
                form: t.form(),
                link: t.text(),
                email: t.text(),
                display_name: t.text(),
                name_error: problem.filter(|_| is_of_name),
                password_error: problem.filter(|_| !is_of_name),
            }),
        };
        t.check(all, &format!("create_account, {problem:?}"), &page);
    }

    let mut t = Hostile::new(all.language);
    let page = CreateAccount {
        layout: t.layout(),
        step: CreateAccountStep::Done {
            login_url: t.text(),
        },
    };
    t.check(all, "create_account, done", &page);

    let mut t = Hostile::new(all.language);
    let page = CreateAccount {
        layout: t.layout(),
        step: CreateAccountStep::Dead {
            login_url: t.text(),
            sign_up_url: Some(t.text()),
        },
    };
    t.check(all, "create_account, dead", &page);
}

pub(super) fn choose_password(all: &mut Rendered) {
    let mut t = Hostile::new(all.language);
    let page = ChoosePassword {
        layout: t.layout(),
        login_url: String::new(),
        recover_url: String::new(),
        step: ChooseStep::Choose(Choose {
            form: t.form(),
            link: t.text(),
            username: t.text(),
            is_first: false,
            error: Some(Problem::BadPassword(BadPassword::TooShort)),
        }),
    };
    t.check(all, "choose_password", &page);
}

pub(super) fn continue_as(all: &mut Rendered) {
    let mut t = Hostile::new(all.language);
    let page = ContinueAs {
        layout: t.layout(),
        form: t.form(),
        user: t.text(),
        client: t.client(Publisher::Verified),
        redirect_host: t.text(),
        scopes: t.scopes(),
        lifetime: Lifetime::Days(90),
    };
    t.check(all, "continue_as", &page);
}

pub(super) fn other_network(all: &mut Rendered) {
    for may_go_on in [true, false] {
        let mut t = Hostile::new(all.language);
        let page = OtherNetwork {
            layout: t.layout(),
            form: t.form(),
            client: t.text(),
            user: t.text(),
            browser: t.text(),
            browser_place: Some(t.text()),
            program: t.text(),
            program_place: Some(t.text()),
            may_go_on,
            is_unticked: may_go_on,
        };
        let name = format!("other_network, may go on: {may_go_on}");
        t.check(all, &name, &page);
    }
}

pub(super) fn consent(all: &mut Rendered) {
    let mut t = Hostile::new(all.language);
    let page = Consent {
        layout: t.layout(),
        form: t.form(),
        user: t.text(),
        client: t.client(Publisher::Verified),
        redirect_host: t.text(),
        scopes: t.scopes(),
        lifetime: Lifetime::Days(90),
        account_url: Some(t.text()),
        is_nothing_left: true,
    };
    t.check(all, "consent", &page);
}

pub(super) fn signed_out(all: &mut Rendered) {
    let mut t = Hostile::new(all.language);
    let confirm = Confirm {
        form: t.form(),
        client: Some(t.text()),
        user: Some(t.text()),
    };
    let page = SignedOut {
        layout: t.layout(),
        step: SignedOutStep::Confirm(confirm),
    };
    t.check(all, "signed_out, confirm", &page);

    let mut t = Hostile::new(all.language);
    let back = Link {
        name: t.text(),
        url: t.text(),
    };
    let page = SignedOut {
        layout: t.layout(),
        step: SignedOutStep::Done { back: Some(back) },
    };
    t.check(all, "signed_out, done", &page);
}
