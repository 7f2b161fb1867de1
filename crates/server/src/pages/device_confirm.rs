//! Show who asks for access on another device, and let the person approve or deny.
//!
//! RFC 8628 §3.3 (user interaction): <https://www.rfc-editor.org/rfc/rfc8628#section-3.3>
//! RFC 8628 §5.4 (remote phishing): <https://www.rfc-editor.org/rfc/rfc8628#section-5.4>

use askama::Template;
use hallpass_issuer::audit::{Entry, Event};
use hallpass_issuer::authorization::{AuthorizationSeed, RefreshLifetimes};
use hallpass_issuer::consent::{self, BadChoice};
use hallpass_issuer::consent_policy::ConsentPolicy;
use hallpass_issuer::factors::required::Demand;
use hallpass_issuer::grants::device_approval::{self, NotApprovable};
use hallpass_issuer::grants::device_code::DeviceGrant;
use hallpass_issuer::network::{self, Comparison};
use hallpass_protocol::form::Form;
use hallpass_protocol::{Scopes, UserId};
use hallpass_store::device_grants;
use http::{Method, Response, StatusCode};
use jiff::SignedDuration;

use super::device_done::{self, Outcome};
use super::html::{Forms, Page};
use super::layout::{Client, FormTarget, Layout, Publisher};
use super::login::{self, Asking, Mistakes, Purpose as LoginPurpose};
use super::scope_line::{Lifetime, ScopeLine};
use super::second_factor::{self, Progress, StepUp};
use super::{device, html, scope_line};
use crate::Body;
use crate::error::page::PageError;
use crate::error::redirect::see_other;
use crate::extract::browser::Browser;
use crate::extract::signed_in_user::SignedInUser;
use crate::languages::{Moment, Value};
use crate::page_token::{DeviceInteraction, Purpose};
use crate::request::Request;
use crate::state::State;

/// The decision about one device code.
///
/// It posts `action`: `approve` (with `confirm=on`), `deny`, `report` (deny and tell the operator)
/// or `switch` (sign in as someone else, the code stays undecided). The page after it posts
/// `revoke` to the same address.
#[derive(Debug, Clone, Template)]
#[template(path = "device_confirm.html")]
pub struct DeviceConfirm {
    /// The frame.
    pub layout: Layout,
    /// Where the decision goes.
    pub form: FormTarget,
    /// Who is signed in, and gives the access away.
    pub user: String,
    /// The code, grouped as the terminal shows it.
    pub user_code: String,
    /// The code came by link, so nobody has compared it with a terminal yet.
    pub prefilled: bool,
    /// Who asks.
    pub client: Client,
    /// What the device calls itself, already cleaned.
    pub host_label: Option<String>,
    /// Program and operating system, from the requester's user agent.
    pub system: Option<String>,
    /// The address that asked for the code, where it is known.
    pub address: Option<String>,
    /// Where that address is, if the operator has a location file.
    pub place: Option<String>,
    /// Where this browser is, if that is to be compared with it.
    pub own_place: Option<String>,
    /// That address compared with this browser's.
    pub network: Network,
    /// When the code was asked for.
    pub asked: Moment,
    /// What the client wants to do.
    pub scopes: Vec<ScopeLine>,
    /// How long the access lasts.
    pub lifetime: Lifetime,
}

/// The requester's network compared with the browser's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// Both came from one network.
    Same,
    /// They came from two networks.
    Different,
    /// Nothing can be said, for example IPv4 against IPv6.
    Unknown,
}

impl Network {
    fn is_different(self) -> bool {
        self == Self::Different
    }
}

impl DeviceConfirm {
    fn is_alarming(&self) -> bool {
        self.network.is_different() || self.is_old()
    }

    /// The places of two networks, where they are two as well. They stand beside what the networks
    /// are warned of, and warn of nothing themselves.
    fn other_places(&self) -> Option<(&str, &str)> {
        let (place, own) = (self.place.as_deref()?, self.own_place.as_deref()?);
        (self.network.is_different() && place != own).then_some((place, own))
    }

    fn is_old(&self) -> bool {
        self.asked.age() > OLD
    }
}

impl Page for DeviceConfirm {
    const FORMS: Forms = Forms::StayHere;

    fn layout(&self) -> &Layout {
        &self.layout
    }
}

/// People who run a command themselves are here sooner.
const OLD: SignedDuration = SignedDuration::from_mins(3);

/// `GET device/confirm`, `POST device/confirm`: signs the person in where needed, shows who asks,
/// and takes the decision. Opening the page changes nothing (row S-14).
pub(crate) async fn get(state: &State, request: &Request) -> Result<Response<Body>, PageError> {
    let browser = Browser::of(state, request);
    let query = request.query_form()?;
    let sealed = query.one("interaction")?.unwrap_or_default();
    let interaction: Option<DeviceInteraction> =
        state
            .page_tokens
            .open(Purpose::Device, browser.binding(request), sealed);
    // A page of another browser or of long ago gets the one answer of row S-12.
    let Some(interaction) = interaction.filter(|interaction| request.now < interaction.expires_at)
    else {
        return Ok(device::not_valid(state, request, &browser));
    };
    let (issuer, hash) = (request.issuer.clone(), interaction.grant);
    let found = state
        .store
        .read(move |tx| device_grants::find_by_code(tx, &issuer, &hash))
        .await?;
    let action = format!("{}?{}", request.path, query.encode());
    let person = SignedInUser::find(state, request).await?;
    let form = if request.method == Method::POST {
        Some(request.form()?)
    } else {
        None
    };
    if let (Some(form), Some(person)) = (&form, &person)
        && form.one("action")? == Some("revoke")
    {
        browser.check_csrf_of(state, request, (form, person))?;
        return device_done::take_back(state, request, (&browser, hash), person).await;
    }
    let Some(grant) = found.filter(|grant| grant.is_undecided(request.now)) else {
        return Ok(device::not_valid(state, request, &browser));
    };
    if let Some(form) = form {
        return answer(state, request, (&browser, action), (&grant, person), &form).await;
    }
    let Some(person) = person else {
        let nothing_sent = Mistakes::default();
        return Ok(sign_in_page(
            state,
            request,
            &browser,
            (action, &nothing_sent),
        ));
    };
    let account = &person.user().id;
    let is_signal = state
        .phishing_signals
        .note_tried(&grant, account, request.now);
    if is_signal {
        let entry = event_of(request, Event::DevicePhishingSignal, (&grant, account));
        state
            .audit
            .tell(entry.with("why", "many accounts try one code"));
    }
    let demand = demand_of(state, request, &grant)?;
    let at = (state, request, &browser);
    if let Some(response) = step_up(at, (&person, &demand), &action).await? {
        return Ok(response);
    }
    let shown = (&grant, interaction);
    Ok(page(state, request, (&browser, action), shown, &person))
}

/// The operator may ask for more than a click, of a client or of all.
fn demand_of(state: &State, request: &Request, grant: &DeviceGrant) -> Result<Demand, PageError> {
    let client = state.clients.find(&grant.client_id);
    let requirement = client.map_or(state.settings.device_requirement, |client| {
        state.settings.device_requirement_of(&client)
    });
    device_approval::check(requirement, network(request, grant)).map_err(PageError::NotApprovable)
}

/// What a person has to do before they see the page and before they approve: show a second factor, or
/// sign in again to set one up.
async fn step_up(
    at: (&State, &Request, &Browser),
    (person, demand): (&SignedInUser, &Demand),
    action: &str,
) -> Result<Option<Response<Body>>, PageError> {
    match second_factor::ask_to_step_up(at, (person, demand), action).await? {
        StepUp::Enough => Ok(None),
        StepUp::Page(page) => Ok(Some(page)),
        StepUp::SignIn => {
            let (state, request, browser) = at;
            let asking = Asking {
                purpose: LoginPurpose::Confirm,
                action: action.to_owned(),
                hint: Some(person.user().shown_name()),
                parameters: Form::default(),
            };
            let nothing_sent = Mistakes::default();
            Ok(Some(login::page(
                state,
                request,
                browser,
                asking,
                &nothing_sent,
            )))
        }
        StepUp::Unreachable => Err(PageError::NotApprovable(NotApprovable::SecondFactor)),
    }
}

/// Takes what was posted: a button of the page, or the sign-in form before it.
async fn answer(
    state: &State,
    request: &Request,
    (browser, action): (&Browser, String),
    (grant, person): (&DeviceGrant, Option<SignedInUser>),
    form: &Form,
) -> Result<Response<Body>, PageError> {
    let nothing_sent = Mistakes::default();
    match (form.one("action")?, person) {
        (None, Some(person)) if second_factor::is_answer(form) => {
            let at = (state, request, browser);
            second_factor::take_step_up(at, (&person, form), &action).await
        }
        (Some(choice), Some(person)) => {
            browser.check_csrf_of(state, request, (form, &person))?;
            if choice == "switch" {
                return Ok(sign_in_page(
                    state,
                    request,
                    browser,
                    (action, &nothing_sent),
                ));
            }
            let approves = choice == "approve" && form.one("confirm")? == Some("on");
            let granted = approves.then(|| chosen(state, grant, form)).transpose()?;
            decide(
                state,
                request,
                (browser, action),
                (grant, &person),
                (choice, granted),
            )
            .await
        }
        (Some(_), None) => Ok(sign_in_page(
            state,
            request,
            browser,
            (action, &nothing_sent),
        )),
        (None, _) => {
            browser.check_sign_in(state, request, form)?;
            let demand = demand_of(state, request, grant)?;
            let asked = (asking(action.clone()), &demand);
            match second_factor::advance(state, request, browser, asked, form).await? {
                Progress::Page(page) => Ok(page),
                Progress::Unreachable => Err(PageError::NotApprovable(NotApprovable::SecondFactor)),
                Progress::SignedIn(person) => {
                    let (_, cookie) = SignedInUser::sign_in(state, request, person).await?;
                    let mut response = see_other(&action);
                    cookie.send(&mut response);
                    Ok(response)
                }
            }
        }
    }
}

fn sign_in_page(
    state: &State,
    request: &Request,
    browser: &Browser,
    (action, mistakes): (String, &Mistakes),
) -> Response<Body> {
    login::page(state, request, browser, asking(action), mistakes)
}

fn asking(action: String) -> Asking<'static> {
    Asking {
        purpose: LoginPurpose::ConnectDevice,
        action,
        hint: None,
        parameters: Form::default(),
    }
}

/// Writes the decision down; whoever comes second finds the code no longer valid (row S-16).
async fn decide(
    state: &State,
    request: &Request,
    (browser, action): (&Browser, String),
    (grant, person): (&DeviceGrant, &SignedInUser),
    (choice, granted): (&str, Option<Scopes>),
) -> Result<Response<Body>, PageError> {
    let approve = match (choice, &granted) {
        ("approve", Some(_)) => true,
        ("deny" | "report", _) => false,
        // Our page sends nothing else.
        _ => return Err(PageError::Forged),
    };
    if approve {
        let demand = demand_of(state, request, grant)?;
        let at = (state, request, browser);
        if let Some(response) = step_up(at, (person, &demand), &action).await? {
            return Ok(response);
        }
    }
    let seed = AuthorizationSeed {
        user: person.user().clone(),
        sign_in: person.proof().clone(),
        scopes: granted.unwrap_or_default(),
        resource: grant.resource.clone(),
        auth_time: person.auth_time(),
        nonce: None,
        browser_session: Some(person.session()),
        browser_address: None,
    };
    let (issuer, hash, now) = (request.issuer.clone(), grant.code_hash, request.now);
    let decided = state.store.write(move |tx| {
        let Some(mut grant) = device_grants::find_by_code(tx, &issuer, &hash)? else {
            return Ok(false);
        };
        let decided = if approve {
            grant.approve(seed.clone(), now)
        } else {
            grant.deny(now)
        };
        device_grants::save(tx, &grant)?;
        Ok(decided.is_ok())
    });
    if !decided.await? {
        return Ok(device::not_valid(state, request, browser));
    }
    state.held_polls.wake(&grant.code_hash);
    if approve {
        let account = &person.user().id;
        let is_signal = state
            .phishing_signals
            .note_approved(grant, account, request.now);
        if is_signal {
            let entry = event_of(request, Event::DevicePhishingSignal, (grant, account));
            let why = "many accounts approve what one network starts";
            state.audit.tell(entry.with("why", why));
        }
    }
    let event = match choice {
        "approve" => Event::DeviceApproved,
        "report" => Event::DeviceReported,
        _ => Event::DeviceDenied,
    };
    let entry = event_of(request, event, (grant, &person.user().id));
    state.audit.keep(entry).await;
    let outcome = match choice {
        "approve" => Outcome::Approved {
            client: name_of(state, grant),
            user: person.user().shown_name().to_owned(),
            undo: Some(FormTarget {
                action,
                csrf: browser.csrf_of(state, request, person),
                interaction: None,
            }),
        },
        "report" => Outcome::Reported,
        _ => Outcome::Denied,
    };
    Ok(device_done::page(request, outcome))
}

/// An event of a person about a device: from where the device asked stands in it too.
fn event_of(request: &Request, event: Event, (grant, user): (&DeviceGrant, &UserId)) -> Entry {
    let entry = request.event(event).by_subject(user);
    let network = match network(request, grant) {
        Comparison::Same => "same",
        Comparison::Different => "different",
        Comparison::Unknown => "unknown",
    };
    entry.with_client(&grant.client_id).with("network", network)
}

fn page(
    state: &State,
    request: &Request,
    (browser, action): (&Browser, String),
    (grant, interaction): (&DeviceGrant, DeviceInteraction),
    person: &SignedInUser,
) -> Response<Body> {
    let instant = |at: hallpass_protocol::Timestamp| {
        jiff::Timestamp::from_millisecond(at.unix_millis()).unwrap_or_default()
    };
    let layout = request.layout();
    let comparison = network(request, grant);
    let place = |address| state.place(address, layout.words.language);
    let place_asked = grant.requester.address.and_then(place);
    let is_comparable = place_asked.is_some() && comparison != Comparison::Same;
    let own = request.known_address().filter(|_| is_comparable);
    let page = DeviceConfirm {
        form: FormTarget {
            action,
            csrf: browser.csrf_of(state, request, person),
            interaction: None,
        },
        user: person.user().shown_name().to_owned(),
        user_code: grant.shown_user_code(),
        prefilled: interaction.prefilled,
        client: Client {
            name: name_of(state, grant),
            publisher: Publisher::Unverified(None),
        },
        host_label: grant.requester.host_label.clone(),
        system: grant.requester.user_agent.clone(),
        address: grant.requester.address.map(|ip| ip.to_string()),
        own_place: own.and_then(place),
        place: place_asked,
        network: match comparison {
            Comparison::Same => Network::Same,
            Comparison::Different => Network::Different,
            Comparison::Unknown => Network::Unknown,
        },
        asked: Moment {
            at: instant(grant.created_at),
            now: instant(request.now),
        },
        scopes: if has_choice(state, grant) {
            scope_line::choices(&grant.scopes, &state.settings.resources)
        } else {
            scope_line::lines(&grant.scopes, &state.settings.resources)
        },
        lifetime: scope_line::lifetime(&grant.scopes, &refresh_lifetimes(state, grant)),
        layout,
    };
    html::html(StatusCode::OK, &page)
}

fn refresh_lifetimes(state: &State, grant: &DeviceGrant) -> RefreshLifetimes {
    let lifetimes = state.settings.refresh;
    let client = state.clients.find(&grant.client_id);
    client.map_or(lifetimes, |client| {
        client.device.refresh_lifetimes(lifetimes)
    })
}

fn name_of(state: &State, grant: &DeviceGrant) -> String {
    let client = state.clients.find(&grant.client_id);
    client.map_or_else(|| grant.client_id.to_string(), |client| client.name.clone())
}

/// The device's networks and the browser's; behind somebody's proxy nothing is known (row S-270).
fn network(request: &Request, grant: &DeviceGrant) -> Comparison {
    network::compare(grant.requester.addresses(), request.known_address())
}

/// Whether the person chooses the scopes: where nobody is asked for consent, there is no choice.
fn has_choice(state: &State, grant: &DeviceGrant) -> bool {
    let client = state.clients.find(&grant.client_id);
    let policy = client.and_then(|client| consent::policy_of(&client, state.settings.consent));
    !matches!(policy, None | Some(ConsentPolicy::Trusted))
}

/// What is granted: what was left ticked, and never more than the device asked for (row S-26).
fn chosen(state: &State, grant: &DeviceGrant, form: &Form) -> Result<Scopes, PageError> {
    if !has_choice(state, grant) {
        return Ok(grant.scopes.clone());
    }
    consent::chosen(&grant.scopes, form.all("scope[]")).map_err(|bad| match bad {
        BadChoice::NotAsked => PageError::Forged,
        BadChoice::Nothing => PageError::NothingChosen,
    })
}
