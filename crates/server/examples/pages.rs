//! Writes every page with realistic data into a folder for each language, so that people can judge
//! them.
//!
//! `cargo run -p hallpass-server --example pages -- /tmp/pages && python3 -m http.server -d /tmp/pages`

use std::path::PathBuf;
use std::time::Duration;
use std::{env, fs, io};

use hallpass_issuer::factors::password::BadPassword;
use hallpass_issuer::refusal::PageReason;
use hallpass_server::languages::{Language, Moment};
use hallpass_server::pages::assets;
use hallpass_server::pages::choose_password::{Choose, ChoosePassword, Step as ChooseStep};
use hallpass_server::pages::consent::Consent;
use hallpass_server::pages::continue_as::ContinueAs;
use hallpass_server::pages::create_account::{
    Ask as AskNewcomer, CreateAccount, Step as CreateAccountStep,
};
use hallpass_server::pages::device::{Device, Entry, Step as DeviceStep};
use hallpass_server::pages::device_confirm::{DeviceConfirm, Network};
use hallpass_server::pages::device_done::{DeviceDone, Outcome};
use hallpass_server::pages::error::{ErrorPage, Why};
use hallpass_server::pages::form_post::FormPost;
use hallpass_server::pages::home::Home;
use hallpass_server::pages::html::Page;
use hallpass_server::pages::layout::{Client, FormTarget, Layout, Link, Pair, Publisher};
use hallpass_server::pages::login::{Login, Purpose};
use hallpass_server::pages::other_network::OtherNetwork;
use hallpass_server::pages::problem::Problem;
use hallpass_server::pages::recover::{Recover, Step as RecoverStep};
use hallpass_server::pages::scope_line::{Lifetime, ScopeLine};
use hallpass_server::pages::sign_up::{SignUp, Step as SignUpStep};
use hallpass_server::pages::signed_out::{Confirm, SignedOut, Step as SignedOutStep};
use jiff::{SignedDuration, Timestamp};

fn main() -> io::Result<()> {
    let folder = PathBuf::from(
        env::args_os()
            .nth(1)
            .unwrap_or_else(|| "target/pages".into()),
    );
    fs::create_dir_all(folder.join("static"))?;
    for asset in [
        &*assets::STYLESHEET,
        &*assets::MARK,
        &*assets::FORM_POST_SCRIPT,
    ] {
        fs::write(folder.join(asset.path.trim_start_matches('/')), &asset.body)?;
    }
    for language in Language::ALL {
        let pages = Pages {
            folder: folder.join(language.tag()),
            language,
        };
        fs::create_dir_all(&pages.folder)?;
        pages.login()?;
        pages.accounts()?;
        pages.device()?;
        pages.device_confirm()?;
        pages.device_done()?;
        pages.errors()?;
        pages.consent()?;
        pages.others()?;
    }
    Ok(())
}

/// The pages of one language.
struct Pages {
    folder: PathBuf,
    language: Language,
}

impl Pages {
    fn dev_login(&self) -> Login {
        Login {
            layout: self.layout(),
            form: form("login"),
            purpose: Purpose::Continue("Acme CLI".into()),
            username: String::new(),
            claims: String::new(),
            recover_url: None,
            sign_up_url: None,
            refusal: None,
            passkey: None,
            username_error: None,
            claims_error: None,
            recent_users: texts(&[
                "ada",
                "grace.hopper@example.com",
                "linus",
                "margaret",
                "dennis",
            ]),
            parameters: pairs(&[
                ("response_type", "code"),
                ("client_id", "acme-cli"),
                ("redirect_uri", "http://127.0.0.1:51423/callback"),
                ("scope", "openid profile offline_access"),
                ("state", "hGb3kZ0c9yQm2vW8sTn1Lw"),
                (
                    "code_challenge",
                    "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
                ),
                ("code_challenge_method", "S256"),
            ]),
        }
    }

    fn login(&self) -> io::Result<()> {
        let plain = self.dev_login();
        let device = Login {
            purpose: Purpose::ConnectDevice,
            username: "ada".into(),
            recent_users: Vec::new(),
            parameters: Vec::new(),
            ..plain.clone()
        };
        let wrong = Login {
            username: "ada".into(),
            claims: "{\"groups\": [\"admins\"".into(),
            claims_error: Some("EOF while parsing an object at line 1 column 21".into()),
            ..plain.clone()
        };
        let empty = Login {
            username_error: Some(Problem::NotAnyUsername),
            recent_users: Vec::new(),
            ..plain.clone()
        };
        self.save("login", &plain)?;
        self.save("login-device", &device)?;
        self.save("login-claims-error", &wrong)?;
        self.save("login-error", &empty)
    }

    /// Those of production: a password, and the way to a new one.
    fn accounts(&self) -> io::Result<()> {
        let production = || Layout {
            issuer_name: "Example".into(),
            dev_banner: false,
            ..self.layout()
        };
        let ask = Login {
            layout: production(),
            recover_url: Some("/login/recover".into()),
            sign_up_url: Some("/login/sign-up".into()),
            recent_users: Vec::new(),
            parameters: Vec::new(),
            ..self.dev_login()
        };
        let wrong = Login {
            username: "ada".into(),
            refusal: Some(Problem::WrongPassword),
            ..ask.clone()
        };
        self.save("account-login", &ask)?;
        self.save("account-login-wrong", &wrong)?;
        let recover = |step| Recover {
            layout: production(),
            login_url: "/login".into(),
            support: Some("https://help.example.com".into()),
            step,
        };
        let step = RecoverStep::Ask {
            form: form("login/recover"),
            error: None,
        };
        self.save("recover", &recover(step))?;
        self.save("recover-sent", &recover(RecoverStep::Sent))?;
        let choose = |step| ChoosePassword {
            layout: production(),
            login_url: "/login".into(),
            recover_url: "/login/recover".into(),
            step,
        };
        let step = ChooseStep::Choose(Choose {
            form: form("login/password"),
            link: "hpl_0".into(),
            username: "ada".into(),
            is_first: true,
            error: Some(Problem::BadPassword(BadPassword::TooShort)),
        });
        self.save("choose-password", &choose(step))?;
        self.save("choose-password-done", &choose(ChooseStep::Done))?;
        self.save("choose-password-dead", &choose(ChooseStep::Dead))?;
        self.newcomers(production)
    }

    /// Those of production where anybody may make an account.
    fn newcomers(&self, layout: impl Fn() -> Layout) -> io::Result<()> {
        let sign_up = |step| SignUp {
            layout: layout(),
            login_url: "/login".into(),
            support: Some("https://help.example.com".into()),
            step,
        };
        let step = SignUpStep::Ask {
            form: form("login/sign-up"),
            error: None,
        };
        self.save("sign-up", &sign_up(step))?;
        self.save("sign-up-sent", &sign_up(SignUpStep::Sent))?;
        let create = |step| CreateAccount {
            layout: layout(),
            step,
        };
        let step = CreateAccountStep::Ask(AskNewcomer {
            form: form("login/create-account"),
            link: "hpl_0".into(),
            email: "ada@example.com".into(),
            display_name: "Ada Lovelace".into(),
            name_error: None,
            password_error: Some(Problem::PasswordsDiffer),
        });
        self.save("create-account", &create(step))?;
        let done = CreateAccountStep::Done {
            login_url: "/login".into(),
        };
        self.save("create-account-done", &create(done))?;
        let dead = CreateAccountStep::Dead {
            login_url: "/login".into(),
            sign_up_url: Some("/login/sign-up".into()),
        };
        self.save("create-account-dead", &create(dead))
    }

    fn device(&self) -> io::Result<()> {
        let entry = |user_code: &str, error: Option<Problem>| {
            let entry = Entry {
                form: form("device"),
                user_code: user_code.into(),
                error,
            };
            Device {
                layout: self.layout(),
                step: DeviceStep::Entry(entry),
            }
        };
        let locked = DeviceStep::Locked {
            wait: Duration::from_mins(10),
        };
        let sign_in_first = DeviceStep::SignInFirst {
            sign_in_url: "/login.html".into(),
        };
        self.save("device", &entry("", None))?;
        self.save("device-prefilled", &entry("WDJB-MJHT", None))?;
        self.save(
            "device-error",
            &entry("WDJBZ-MJHTX", Some(Problem::CodeNotValid)),
        )?;
        self.save(
            "device-locked",
            &Device {
                layout: self.layout(),
                step: locked,
            },
        )?;
        self.save(
            "device-sign-in-first",
            &Device {
                layout: self.layout(),
                step: sign_in_first,
            },
        )
    }

    fn device_confirm(&self) -> io::Result<()> {
        let plain = DeviceConfirm {
            layout: self.layout(),
            form: form("device_confirm"),
            user: "ada".into(),
            user_code: "WDJB-MJHT".into(),
            prefilled: true,
            client: Client {
                name: "Acme CLI".into(),
                publisher: Publisher::Verified("acme.example".into()),
            },
            host_label: Some("build-box-7".into()),
            system: Some("hallpass 0.1 on Linux".into()),
            address: Some("192.168.1.24".into()),
            place: None,
            own_place: None,
            network: Network::Same,
            asked: moment(12),
            scopes: scopes(&["openid", "profile", "offline_access"]),
            lifetime: Lifetime::Days(90),
        };
        let typed = DeviceConfirm {
            prefilled: false,
            network: Network::Unknown,
            client: Client {
                publisher: Publisher::Unverified(None),
                ..plain.client.clone()
            },
            scopes: scopes(&["openid", "email", "api:read", "api:write"]),
            ..plain.clone()
        };
        let alarming = DeviceConfirm {
            user: "grace.hopper@engineering.example.com".into(),
            user_code: "WDJBZ-MJHTX".into(),
            client: Client {
                name: "Totally Legitimate Deployment Helper".into(),
                publisher: Publisher::Unverified(Some("deploy-helper.example".into())),
            },
            address: Some("2001:db8:85a3:8d3:1319:8a2e:370:7348".into()),
            place: Some("Lisbon, Portugal".into()),
            own_place: Some("San Fernando del Valle de Catamarca, Argentina".into()),
            network: Network::Different,
            asked: moment(250),
            ..plain.clone()
        };
        self.save("device_confirm", &plain)?;
        self.save("device_confirm-typed", &typed)?;
        self.save("device_confirm-alert", &alarming)
    }

    fn device_done(&self) -> io::Result<()> {
        let approved = Outcome::Approved {
            client: "Acme CLI".into(),
            user: "ada".into(),
            undo: Some(form("device_done")),
        };
        let outcomes = [
            ("device_done-approved", approved),
            ("device_done-denied", Outcome::Denied),
            ("device_done-reported", Outcome::Reported),
            ("device_done-expired", Outcome::Expired),
            ("device_done-revoked", Outcome::Revoked),
        ];
        for (name, outcome) in outcomes {
            self.save(
                name,
                &DeviceDone {
                    layout: self.layout(),
                    outcome,
                },
            )?;
        }
        Ok(())
    }

    fn consent(&self) -> io::Result<()> {
        let consent = Consent {
            layout: self.layout(),
            form: form("consent"),
            user: "ada".into(),
            client: Client {
                name: "Acme Reports".into(),
                publisher: Publisher::Verified("reports.example.com".into()),
            },
            redirect_host: "reports.example.com".into(),
            scopes: scopes(&["openid", "email", "offline_access", "api:read"])
                .into_iter()
                .map(|line| ScopeLine {
                    optional: line.scope != "openid",
                    ..line
                })
                .collect(),
            lifetime: Lifetime::Days(90),
            account_url: Some("/account.html".into()),
            is_nothing_left: false,
        };
        self.save("consent", &consent)?;
        let nothing_left = Consent {
            is_nothing_left: true,
            ..consent
        };
        self.save("consent-problem", &nothing_left)
    }

    fn others(&self) -> io::Result<()> {
        let continue_as = ContinueAs {
            layout: self.layout(),
            form: form("continue_as"),
            user: "ada".into(),
            client: Client {
                name: "Acme CLI".into(),
                publisher: Publisher::Unverified(None),
            },
            redirect_host: "127.0.0.1:51423".into(),
            scopes: scopes(&["openid", "profile", "offline_access"]),
            lifetime: Lifetime::Days(90),
        };
        let confirm = Confirm {
            form: form("signed_out"),
            client: Some("Acme Dashboard".into()),
            user: Some("ada".into()),
        };
        let back = Link {
            name: "Acme Dashboard".into(),
            url: "/home.html".into(),
        };
        let form_post = FormPost {
            layout: self.layout(),
            client: "Acme Dashboard".into(),
            action: "http://127.0.0.1:9/callback".into(),
            fields: pairs(&[
                ("code", "hpc_example"),
                ("state", "af0ifjsldkj"),
                ("iss", ISSUER),
            ]),
        };
        self.save("continue_as", &continue_as)?;
        self.save(
            "continue_as-long",
            &ContinueAs {
                user: "grace.hopper@engineering.example.com".into(),
                ..continue_as.clone()
            },
        )?;
        self.save(
            "signed_out-confirm",
            &SignedOut {
                layout: self.layout(),
                step: SignedOutStep::Confirm(confirm),
            },
        )?;
        self.save(
            "signed_out",
            &SignedOut {
                layout: self.layout(),
                step: SignedOutStep::Done { back: Some(back) },
            },
        )?;
        self.other_network()?;
        self.save("form_post", &form_post)?;
        self.save("home", &self.home())
    }

    fn other_network(&self) -> io::Result<()> {
        let warning = OtherNetwork {
            layout: self.layout(),
            form: form("other_network"),
            client: "Acme CLI".into(),
            user: "ada".into(),
            browser: "198.51.100.7".into(),
            browser_place: Some("Berlin, Germany".into()),
            program: "203.0.113.9".into(),
            program_place: Some("Lagos, Nigeria".into()),
            may_go_on: true,
            is_unticked: false,
        };
        self.save("other_network", &warning)?;
        let unticked = OtherNetwork {
            is_unticked: true,
            ..warning.clone()
        };
        self.save("other_network-unticked", &unticked)?;
        let refused = OtherNetwork {
            may_go_on: false,
            browser: "2001:db8:1:2::/64".into(),
            browser_place: None,
            program: "2001:db8:ffff:2::/64".into(),
            program_place: None,
            ..warning
        };
        self.save("other_network-refused", &refused)
    }

    fn errors(&self) -> io::Result<()> {
        let error = ErrorPage {
            layout: self.layout(),
            why: Why::Request(PageReason::ForeignRedirectUri),
            command: None,
            details: pairs(&[
                ("client_id", "acme-cli"),
                ("redirect_uri", "https://app.example.com/oauth/callback"),
            ]),
            reference: "8F3K-22QX".into(),
            at: moment(0),
        };
        self.save("error", &error)?;
        self.save(
            "error-command",
            &ErrorPage {
                why: Why::Forged,
                command: Some("hallpass login --issuer http://localhost:8080/default".into()),
                details: Vec::new(),
                ..error.clone()
            },
        )
    }

    fn home(&self) -> Home {
        Home::of_issuer(self.layout(), ISSUER)
    }

    fn layout(&self) -> Layout {
        Layout {
            issuer_name: "localhost:8080/default".into(),
            dev_banner: true,
            words: self.language.words(),
            has_switch: true,
            look: std::sync::Arc::default(),
        }
    }

    fn save<P: Page>(&self, name: &str, page: &P) -> io::Result<()> {
        let html = page.render().map_err(io::Error::other)?;
        fs::write(self.folder.join(format!("{name}.html")), html)
    }
}

fn form(page: &str) -> FormTarget {
    FormTarget {
        action: format!("/{page}.html"),
        csrf: "csrf-example".into(),
        interaction: Some("interaction-example".into()),
    }
}

fn moment(seconds_ago: i64) -> Moment {
    let now = Timestamp::from_second(1_795_269_824).unwrap_or(Timestamp::UNIX_EPOCH);
    Moment {
        at: now - SignedDuration::from_secs(seconds_ago),
        now,
    }
}

fn pairs(rows: &[(&str, &str)]) -> Vec<Pair> {
    rows.iter()
        .map(|(name, value)| Pair {
            name: (*name).into(),
            value: (*value).into(),
        })
        .collect()
}

fn scopes(names: &[&str]) -> Vec<ScopeLine> {
    names.iter().map(|name| ScopeLine::plain(name)).collect()
}

fn texts(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).into()).collect()
}

const ISSUER: &str = "http://localhost:8080/default";
