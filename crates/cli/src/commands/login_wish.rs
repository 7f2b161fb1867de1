//! Which flow was asked for, and whether the program can go on without a person.

use hallpass_client::answers::EventLines;
use hallpass_client::clean;
use hallpass_client::flow::{self, Way};

use crate::args::{Flow, LoginArgs};
use crate::commands::Context;
use crate::failure::Failure;
use crate::profile::Profile;

/// The flow that was asked for.
#[derive(Clone, Copy)]
pub(super) struct Wish {
    pub(super) flow: Flow,
    /// Only the command line itself makes a sign-in start without a terminal.
    pub(super) is_explicit: bool,
    /// What lets the program go on without a person.
    pub(super) without: WithoutPerson,
    /// Whether the rules chose the flow, and nobody by its name.
    pub(super) is_chosen: bool,
}

impl Wish {
    /// What matters for the choice of the flow.
    pub(super) fn surroundings(self, context: &Context) -> flow::Environment {
        let surroundings = context.surroundings();
        if self.is_explicit {
            surroundings.attended()
        } else {
            surroundings
        }
    }

    pub(super) fn find(
        args: &LoginArgs,
        profile: &Profile,
        context: &Context,
    ) -> Result<Self, Failure> {
        let (flags, without) = (&args.sign_in, WithoutPerson::find(args, profile));
        let flag = args.flow.or(match (flags.browser, flags.device) {
            (true, _) => Some(Flow::Browser),
            (_, true) => Some(Flow::Device),
            _ => None,
        });
        if let Some(flow) = flag {
            return Ok(Self {
                flow,
                is_explicit: flow != Flow::Auto || flags.events,
                without,
                is_chosen: false,
            });
        }
        let variable = match context.environment.text("HALLPASS_FLOW") {
            None => None,
            Some("auto") => Some(Flow::Auto),
            Some("browser") => Some(Flow::Browser),
            Some("device") => Some(Flow::Device),
            Some("paste") => Some(Flow::Paste),
            Some("client-credentials") => Some(Flow::ClientCredentials),
            Some(other) => {
                let text = format!("HALLPASS_FLOW is `{}`", clean::text(other));
                return Err(Failure::usage(text)
                    .hint_to("set it to auto, browser, device, paste or client-credentials"));
            }
        };
        let kept = variable.or(profile.settings.flow);
        let is_program = kept.is_none() && without.is_program();
        let flow = if is_program {
            Flow::ClientCredentials
        } else {
            kept.unwrap_or(Flow::Auto)
        };
        Ok(Self {
            flow,
            is_explicit: flags.events,
            without,
            is_chosen: kept.is_none(),
        })
    }

    /// The same where a token is given and nobody asks for another flow.
    pub(super) fn with_token(self) -> Self {
        let without = WithoutPerson {
            has_token: true,
            ..self.without
        };
        Self { without, ..self }
    }

    /// The flow of a person that was asked for by name.
    pub(super) fn way(self) -> Option<Way> {
        match self.flow {
            Flow::Browser => Some(Way::Browser),
            Flow::Device => Some(Way::Device),
            Flow::Paste => Some(Way::Paste),
            Flow::Auto | Flow::ClientCredentials => None,
        }
    }

    /// Who tells a program, if one wants to hear it.
    pub(super) fn events(self, args: &LoginArgs) -> Option<EventLines> {
        let events = EventLines::stdout;
        args.sign_in.events.then(|| match self.flow {
            Flow::Paste => events().reading(),
            _ => events(),
        })
    }
}

/// What lets a program go on without a person.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct WithoutPerson {
    /// `HALLPASS_TOKEN` is set, and the command line leaves the flow open.
    pub(super) has_token: bool,
    /// What the program proves itself with.
    pub(super) credential: Option<&'static str>,
    /// Why the credential is one that a person's sign-in uses.
    pub(super) person: Option<&'static str>,
}

impl WithoutPerson {
    /// Looks at the profile, and at what the command line asks for.
    pub(super) fn find(args: &LoginArgs, profile: &Profile) -> Self {
        let settings = &profile.settings;
        let credential = match (&settings.private_key, profile.has_secret()) {
            (Some(_), _) => Some("private key"),
            (None, true) => Some("client secret"),
            (None, false) => None,
        };
        let mut scopes = args.scope.iter().flat_map(|scope| scope.split(' '));
        // The secrets of providers known by name belong to programs that people use.
        let person = if settings.provider.is_some() {
            Some("of a provider's program")
        } else if profile.is_remembered {
            Some("a sign-in is remembered")
        } else if scopes.any(|scope| matches!(scope, "openid" | "offline_access")) {
            Some("scopes of a person")
        } else {
            None
        };
        Self {
            has_token: false,
            credential,
            person,
        }
    }

    /// Rule 3: a credential, and nothing that only a person has.
    pub(super) fn is_program(self) -> bool {
        self.credential.is_some() && self.person.is_none()
    }

    /// What the program proves itself with.
    pub(super) fn why(self) -> Vec<&'static str> {
        self.credential.into_iter().collect()
    }
}
