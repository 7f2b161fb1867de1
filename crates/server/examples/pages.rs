//! Writes every page with realistic data into a folder, so that people can judge them.
//!
//! `cargo run -p hallpass-server --example pages -- /tmp/pages && python3 -m http.server -d /tmp/pages`

use std::path::{Path, PathBuf};
use std::{env, fs, io};

use hallpass_server::pages::assets;
use hallpass_server::pages::choose_password::{Choose, ChoosePassword, Step as ChooseStep};
use hallpass_server::pages::consent::{Consent, NOTHING_LEFT};
use hallpass_server::pages::continue_as::ContinueAs;
use hallpass_server::pages::device::{CODE_NOT_VALID, Device, Entry, Step as DeviceStep};
use hallpass_server::pages::device_confirm::{DeviceConfirm, Network};
use hallpass_server::pages::device_done::{DeviceDone, Outcome};
use hallpass_server::pages::error::ErrorPage;
use hallpass_server::pages::form_post::FormPost;
use hallpass_server::pages::home::{Command, Endpoint, Home};
use hallpass_server::pages::html::Page;
use hallpass_server::pages::layout::{Client, FormTarget, Layout, Link, Pair, Publisher};
use hallpass_server::pages::login::{Login, Purpose, WRONG};
use hallpass_server::pages::moment::Moment;
use hallpass_server::pages::recover::{Recover, Step as RecoverStep};
use hallpass_server::pages::scope_line::ScopeLine;
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
        fs::write(folder.join(asset.path.trim_start_matches('/')), asset.body)?;
    }
    login_pages(&folder)?;
    device_pages(&folder)?;
    device_confirm_pages(&folder)?;
    device_done_pages(&folder)?;
    error_pages(&folder)?;
    consent_pages(&folder)?;
    other_pages(&folder)
}

fn login_pages(folder: &Path) -> io::Result<()> {
    let plain = Login {
        layout: layout(),
        form: form("login"),
        purpose: Purpose::Continue("Acme CLI".into()),
        username: String::new(),
        claims: String::new(),
        recover_url: None,
        refusal: None,
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
    };
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
        claims_error: Some("This is not a JSON object: it ends at line 1, column 21.".into()),
        ..plain.clone()
    };
    let empty = Login {
        username_error: Some("Enter a username; any will do.".into()),
        recent_users: Vec::new(),
        ..plain.clone()
    };
    save(folder, "login", &plain)?;
    save(folder, "login-device", &device)?;
    save(folder, "login-claims-error", &wrong)?;
    save(folder, "login-error", &empty)?;
    account_pages(folder, &plain)
}

/// Those of production: a password, and the way to a new one.
fn account_pages(folder: &Path, dev: &Login) -> io::Result<()> {
    let production = || Layout {
        issuer_name: "Example".into(),
        dev_banner: false,
        ..layout()
    };
    let ask = Login {
        layout: production(),
        recover_url: Some("/login/recover".into()),
        recent_users: Vec::new(),
        parameters: Vec::new(),
        ..dev.clone()
    };
    let wrong = Login {
        username: "ada".into(),
        refusal: Some(WRONG.into()),
        ..ask.clone()
    };
    save(folder, "account-login", &ask)?;
    save(folder, "account-login-wrong", &wrong)?;
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
    save(folder, "recover", &recover(step))?;
    save(folder, "recover-sent", &recover(RecoverStep::Sent))?;
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
        error: Some("A password has at least 12 characters.".into()),
        shortest: 12,
    });
    save(folder, "choose-password", &choose(step))?;
    save(folder, "choose-password-done", &choose(ChooseStep::Done))?;
    save(folder, "choose-password-dead", &choose(ChooseStep::Dead))
}

fn device_pages(folder: &Path) -> io::Result<()> {
    let entry = |user_code: &str, error: Option<&str>| {
        let entry = Entry {
            form: form("device"),
            user_code: user_code.into(),
            error: error.map(Into::into),
        };
        Device {
            layout: layout(),
            step: DeviceStep::Entry(entry),
        }
    };
    let locked = DeviceStep::Locked {
        retry_after_minutes: 10,
    };
    let sign_in_first = DeviceStep::SignInFirst {
        sign_in_url: "/login.html".into(),
    };
    save(folder, "device", &entry("", None))?;
    save(folder, "device-prefilled", &entry("WDJB-MJHT", None))?;
    save(
        folder,
        "device-error",
        &entry("WDJBZ-MJHTX", Some(CODE_NOT_VALID)),
    )?;
    save(
        folder,
        "device-locked",
        &Device {
            layout: layout(),
            step: locked,
        },
    )?;
    save(
        folder,
        "device-sign-in-first",
        &Device {
            layout: layout(),
            step: sign_in_first,
        },
    )
}

fn device_confirm_pages(folder: &Path) -> io::Result<()> {
    let plain = DeviceConfirm {
        layout: layout(),
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
        address: "192.168.1.24".into(),
        place: None,
        network: Network::Same,
        asked: moment(12),
        scopes: scopes(&["openid", "profile", "offline_access"]),
        lifetime: "For up to 90 days, or until you sign the device out.".into(),
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
        address: "2001:db8:85a3:8d3:1319:8a2e:370:7348".into(),
        place: Some("near Lisbon, Portugal".into()),
        network: Network::Different,
        asked: moment(250),
        ..plain.clone()
    };
    save(folder, "device_confirm", &plain)?;
    save(folder, "device_confirm-typed", &typed)?;
    save(folder, "device_confirm-alert", &alarming)
}

fn device_done_pages(folder: &Path) -> io::Result<()> {
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
        save(
            folder,
            name,
            &DeviceDone {
                layout: layout(),
                outcome,
            },
        )?;
    }
    Ok(())
}

fn consent_pages(folder: &Path) -> io::Result<()> {
    let consent = Consent {
        layout: layout(),
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
        lifetime: "Keeps access for up to 90 days without asking again.".into(),
        problem: None,
    };
    save(folder, "consent", &consent)?;
    let nothing_left = Consent {
        problem: Some(NOTHING_LEFT.into()),
        ..consent
    };
    save(folder, "consent-problem", &nothing_left)
}

fn other_pages(folder: &Path) -> io::Result<()> {
    let continue_as = ContinueAs {
        layout: layout(),
        form: form("continue_as"),
        user: "ada".into(),
        client: Client {
            name: "Acme CLI".into(),
            publisher: Publisher::Unverified(None),
        },
        redirect_host: "127.0.0.1:51423".into(),
        scopes: scopes(&["openid", "profile", "offline_access"]),
        lifetime: "For up to 90 days, or until you sign out.".into(),
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
        layout: layout(),
        client: "Acme Dashboard".into(),
        action: "http://127.0.0.1:9/callback".into(),
        fields: pairs(&[
            ("code", "hpc_example"),
            ("state", "af0ifjsldkj"),
            ("iss", ISSUER),
        ]),
    };
    save(folder, "continue_as", &continue_as)?;
    save(
        folder,
        "continue_as-long",
        &ContinueAs {
            user: "grace.hopper@engineering.example.com".into(),
            ..continue_as.clone()
        },
    )?;
    save(
        folder,
        "signed_out-confirm",
        &SignedOut {
            layout: layout(),
            step: SignedOutStep::Confirm(confirm),
        },
    )?;
    save(
        folder,
        "signed_out",
        &SignedOut {
            layout: layout(),
            step: SignedOutStep::Done { back: Some(back) },
        },
    )?;
    save(folder, "form_post", &form_post)?;
    save(folder, "home", &home())
}

fn error_pages(folder: &Path) -> io::Result<()> {
    let error = ErrorPage {
        layout: layout(),
        title: "The app's return address isn't registered".into(),
        cause: "Acme CLI asked this server to send you to an address that is not on its list, so nothing was sent.".into(),
        next_step: "If you run this server, add the address to the client and start the sign-in again.".into(),
        command: None,
        details: pairs(&[
            ("client_id", "acme-cli"),
            ("redirect_uri", "https://app.example.com/oauth/callback"),
        ]),
        reference: "8F3K-22QX".into(),
        at: moment(0),
    };
    save(folder, "error", &error)?;
    save(
        folder,
        "error-command",
        &ErrorPage {
            title: "This request has expired".into(),
            cause: "It was started more than 30 minutes ago.".into(),
            next_step: "Go back to your terminal and run the command again.".into(),
            command: Some("hallpass login --issuer http://localhost:8080/default".into()),
            details: Vec::new(),
            ..error.clone()
        },
    )
}

fn home() -> Home {
    let command = |purpose: &str, command: &str| Command {
        purpose: purpose.into(),
        command: command.into(),
    };
    let endpoint = |name: &str, path: &str, opens_in_browser: bool| Endpoint {
        name: name.into(),
        url: format!("{ISSUER}{path}"),
        opens_in_browser,
    };
    Home {
        layout: layout(),
        commands: vec![
            command(
                "With a browser on this computer",
                &format!("hallpass login --issuer {ISSUER} --client-id demo"),
            ),
            command(
                "With a code, as from a remote machine",
                &format!("hallpass login --issuer {ISSUER} --client-id demo --device"),
            ),
            command(
                "A token with nothing but curl",
                &format!(
                    "curl -d grant_type=client_credentials -d client_id=demo -d client_secret=any -d scope=api:read {ISSUER}/token"
                ),
            ),
        ],
        endpoints: vec![
            endpoint("Issuer", "", false),
            endpoint("Metadata", "/.well-known/openid-configuration", true),
            endpoint("Authorization", "/authorize", false),
            endpoint("Token", "/token", false),
            endpoint("Device authorization", "/device/authorize", false),
            endpoint("Enter a device code", "/device", true),
            endpoint("User info", "/userinfo", false),
            endpoint("Keys", "/jwks", true),
            endpoint("End session", "/endsession", true),
        ],
        version: "0.1.0".into(),
    }
}

fn layout() -> Layout {
    Layout {
        issuer_name: "localhost:8080/default".into(),
        dev_banner: true,
        lang: "en".into(),
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
    names.iter().map(|name| ScopeLine::standard(name)).collect()
}

fn texts(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).into()).collect()
}

fn save<P: Page>(folder: &Path, name: &str, page: &P) -> io::Result<()> {
    let html = page.render().map_err(io::Error::other)?;
    fs::write(folder.join(format!("{name}.html")), html)
}

const ISSUER: &str = "http://localhost:8080/default";
