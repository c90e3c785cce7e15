//! Break-glass: how a blocked push may pass all the same, by whom and how often.
//!
//! Three ways, because no server has all of them: a push option (Bitbucket Data Center has none),
//! a trailer in the messages of the commits that are pushed, and an administrator's grant in the
//! policy. The first two need a user whom the policy names, a reason, and uses left; a grant needs
//! nothing of the pusher and uses nothing up. A scan runs in every case, and what it found is put
//! down with the reason.

use super::{
    expiry::moment,
    policy::{BreakGlass, Effective},
    trailers::{Trailer, trailers},
};
use crate::model::{PushedTip, rfc3339};
use bstr::{BStr, BString, ByteSlice};
use serde::{Deserialize, Serialize};

/// Messages are cut here ([`PushedTip::message`]); of a longer one the trailers are not known.
const MAX_MESSAGE_BYTES: usize = 64 << 10;
/// Characters of a reason that are kept.
const MAX_REASON_CHARACTERS: usize = 500;
/// What `per-day` counts over.
const DAY_SECONDS: i64 = 86_400;

/// What a decision depends on besides the policy and the push.
#[derive(Debug, Clone, Copy)]
pub struct JudgeContext<'a> {
    /// Seconds since 1970, UTC.
    pub now_seconds: i64,
    /// The authenticated user, where the server says who it is.
    pub user: Option<&'a str>,
    /// The push options in order; `None` where client and server did not agree to have any, so
    /// that none could be given.
    pub push_options: Option<&'a [BString]>,
    /// The text of the ledger, empty where there is no such file yet; `None` where it cannot be
    /// read, which leaves no uses. Needed only where [`needs_ledger`].
    pub ledger: Option<&'a [u8]>,
}

/// A way through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum By {
    /// A push option.
    PushOption,
    /// A trailer.
    Trailer,
    /// An administrator's grant.
    Grant,
}

impl By {
    /// Returns the name used in records.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PushOption => "push-option",
            Self::Trailer => "trailer",
            Self::Grant => "grant",
        }
    }
}

/// A push that passes although it would be blocked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bypass {
    /// Which way.
    pub by: By,
    /// The reason given, as given: whoever shows it must redact it, for it may hold anything.
    pub reason: String,
}

/// Why a way did not open.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The server does not say who pushes.
    #[error("the server does not say who pushes, so nobody may use it")]
    NoUser,
    /// The user is not among those who may.
    #[error("not open to this user")]
    NotInUsers,
    /// No reason was given.
    #[error("needs a reason")]
    NoReason,
    /// A trailer without a sign-off.
    #[error("needs a Signed-off-by trailer beside it")]
    NotSigned,
    /// A tip of the push has no such trailer; holds its ref.
    #[error("missing in the last commit of {0}")]
    MissingIn(BString),
    /// The user had all uses of the last 24 hours.
    #[error("used up: {0} in 24 hours")]
    UsedUp(u32),
    /// The uses cannot be counted.
    #[error("the uses of the last 24 hours cannot be counted: the ledger cannot be read")]
    NoLedger,
}

/// Whether a blocked push passes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Decision {
    /// The way that opened.
    pub bypass: Option<Bypass>,
    /// The ways that were asked for and did not open.
    pub refused: Vec<(By, Refused)>,
    /// Lines of the ledger that are none: someone should look at it.
    pub bad_ledger_lines: u64,
}

/// A way that exists for a user on this server, for the text shown to a blocked one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    /// `git push -o NAME="reason"`.
    PushOption(String),
    /// `KEY: reason` and a Signed-off-by in the message of each last commit.
    Trailer(String),
    /// Whom to ask.
    Contact(String),
}

/// Returns the ways that exist for a user: no others may be named to them.
pub fn ways(effective: &Effective, user: Option<&str>, push_options_negotiated: bool) -> Vec<Way> {
    let glass = &effective.break_glass;
    let may = user.is_some_and(|user| glass.users.is_match(user));
    let option = glass
        .push_option
        .clone()
        .filter(|_| may && push_options_negotiated);
    let trailer = glass.trailer.clone().filter(|_| may);
    option
        .map(Way::PushOption)
        .into_iter()
        .chain(trailer.map(Way::Trailer))
        .chain(effective.contact.clone().map(Way::Contact))
        .collect()
}

/// Whether [`decide`] would look at the ledger, so that nobody else need read it.
pub fn needs_ledger(
    effective: &Effective,
    push_options: Option<&[BString]>,
    tips: &[PushedTip],
) -> bool {
    let glass = &effective.break_glass;
    glass.per_day.is_some()
        && (option_asked(glass, push_options).is_some() || trailer_asked(glass, tips).is_some())
}

/// Decides whether a blocked push passes. Grants come first: they use nothing up.
pub fn decide(effective: &Effective, context: &JudgeContext<'_>, tips: &[PushedTip]) -> Decision {
    let glass = &effective.break_glass;
    let mut decision = Decision::default();
    let grants = glass.grants.iter();
    if let Some(grant) = grants
        .into_iter()
        .find(|grant| grant.holds(context.user, context.now_seconds))
    {
        decision.bypass = Some(Bypass {
            by: By::Grant,
            reason: grant.reason.clone(),
        });
        return decision;
    }
    let asked = [
        (By::PushOption, option_asked(glass, context.push_options)),
        (By::Trailer, trailer_asked(glass, tips)),
    ];
    for (by, asked) in asked {
        let Some(reason) = asked else { continue };
        match reason.and_then(|reason| may_pass(glass, context, &mut decision).map(|()| reason)) {
            Ok(reason) => {
                decision.bypass = Some(Bypass { by, reason });
                return decision;
            }
            Err(refused) => decision.refused.push((by, refused)),
        }
    }
    decision
}

/// Whether the user may, and has uses left.
fn may_pass(
    glass: &BreakGlass,
    context: &JudgeContext<'_>,
    decision: &mut Decision,
) -> Result<(), Refused> {
    let user = context.user.ok_or(Refused::NoUser)?;
    if !glass.users.is_match(user) {
        return Err(Refused::NotInUsers);
    }
    let Some(per_day) = glass.per_day else {
        return Ok(());
    };
    let uses = uses(
        context.ledger.ok_or(Refused::NoLedger)?,
        user,
        context.now_seconds,
    );
    decision.bad_ledger_lines = uses.bad_lines;
    if uses.count < u64::from(per_day) {
        Ok(())
    } else {
        Err(Refused::UsedUp(per_day))
    }
}

/// What the push options ask for: `None` for nothing, else the reason.
fn option_asked(
    glass: &BreakGlass,
    options: Option<&[BString]>,
) -> Option<Result<String, Refused>> {
    let name = glass.push_option.as_deref()?;
    let values = options?.iter().filter_map(|option| {
        let value = option.strip_prefix(name.as_bytes())?;
        match value.first() {
            None => Some(value),
            Some(b'=') => Some(&value[1..]),
            Some(_) => None,
        }
    });
    best(values.map(|value| reason(value).ok_or(Refused::NoReason)))
}

/// What the trailers ask for: `None` where no tip has one, else the reason of the first. Every
/// tip whose message is known must ask by itself; one that ends at no commit cannot.
fn trailer_asked(glass: &BreakGlass, tips: &[PushedTip]) -> Option<Result<String, Refused>> {
    let key = glass.trailer.as_deref()?;
    // Of a known commit the message is not given.
    let vouching = tips
        .iter()
        .filter(|tip| tip.commit.is_none() || !tip.message.is_empty());
    let mut first = None;
    let mut missing = None;
    for tip in vouching {
        match asked_by(key, &tip.message) {
            Some(Ok(reason)) => {
                first.get_or_insert(reason);
            }
            Some(Err(refused)) => return Some(Err(refused)),
            None => {
                missing.get_or_insert(&tip.name);
            }
        }
    }
    match (first, missing) {
        (Some(_), Some(name)) => Some(Err(Refused::MissingIn(name.clone()))),
        (first, _) => first.map(Ok),
    }
}

/// What one message asks for.
fn asked_by(key: &str, message: &[u8]) -> Option<Result<String, Refused>> {
    if message.len() >= MAX_MESSAGE_BYTES {
        return None;
    }
    let trailers = trailers(message);
    let of = |key: &str| {
        let key = key.to_owned();
        trailers
            .iter()
            .filter(move |t: &&Trailer<'_>| t.key.eq_ignore_ascii_case(key.as_bytes()))
            .map(|trailer| &trailer.value)
    };
    let signed = of("signed-off-by").any(|by| !by.is_empty());
    best(of(key).map(|value| match reason(value) {
        None => Err(Refused::NoReason),
        Some(_) if !signed => Err(Refused::NotSigned),
        Some(reason) => Ok(reason),
    }))
}

/// The first that succeeded, else the first.
fn best<T>(all: impl Iterator<Item = Result<T, Refused>>) -> Option<Result<T, Refused>> {
    let mut first = None;
    for one in all {
        if one.is_ok() {
            return Some(one);
        }
        first.get_or_insert(one);
    }
    first
}

/// A reason that says something, bounded.
fn reason(value: &[u8]) -> Option<String> {
    let text = value.to_str_lossy();
    let text: String = text.trim().chars().take(MAX_REASON_CHARACTERS).collect();
    text.chars().any(char::is_alphanumeric).then_some(text)
}

/// One use, as the ledger keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Use<'a> {
    /// Seconds since 1970, UTC.
    pub now_seconds: i64,
    /// Who.
    pub user: &'a str,
    /// Where.
    pub repository: &'a BStr,
    /// How.
    pub by: By,
}

/// A line of the ledger. What else a line holds is nobody's concern.
#[derive(Serialize, Deserialize)]
struct LedgerLine {
    time: String,
    user: String,
    #[serde(default)]
    repository: String,
    #[serde(default)]
    by: String,
}

impl Use<'_> {
    /// Returns the line to append, with its line break, in one write.
    pub fn line(&self) -> String {
        let line = LedgerLine {
            time: rfc3339(self.now_seconds, 0).unwrap_or_default(),
            user: self.user.to_owned(),
            repository: self.repository.to_str_lossy().into_owned(),
            by: self.by.as_str().to_owned(),
        };
        // Strings alone: nothing that JSON could not hold.
        let mut text = serde_json::to_string(&line).unwrap_or_default();
        text.push('\n');
        text
    }
}

/// What a ledger says of a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Uses {
    /// Uses in the last 24 hours. What seems to lie in the future counts, or setting a clock back
    /// would give uses back.
    pub count: u64,
    /// Lines that are none, of whoever.
    pub bad_lines: u64,
}

/// Counts a user's uses in the 24 hours before now.
pub fn uses(ledger: &[u8], user: &str, now_seconds: i64) -> Uses {
    let mut uses = Uses::default();
    for line in ledger.lines().filter(|line| !line.trim_ascii().is_empty()) {
        let parsed: Option<(LedgerLine, i64)> =
            serde_json::from_slice(line)
                .ok()
                .and_then(|line: LedgerLine| {
                    let seconds = moment(&line.time.parse().ok()?)?;
                    Some((line, seconds))
                });
        match parsed {
            None => uses.bad_lines += 1,
            Some((line, seconds)) => {
                let counts = line.user == user && seconds > now_seconds.saturating_sub(DAY_SECONDS);
                uses.count += u64::from(counts);
            }
        }
    }
    uses
}

#[cfg(test)]
mod tests;
