//! Users as callers give them (management-api.md 6.1). They are answered as the domain writes them.

use domain::connection::Strategy;
use domain::secret::Secret;
use domain::user::UserProfile;
use domain::user_form::{is_email, is_event_username, is_phone, is_uri};

use super::reader::{Field, Invalid, ObjectReader, Part, Text};

const CONNECTION: Text = Text::new("connection", "Name of the connection this user is in.").length(1, 128);
const USER_ID: Text = Text::new("user_id", "The external user's id provided by the identity provider.")
    .length(1, 255)
    .format("user-id", |text| text.chars().all(|each| !each.is_control() && !each.is_whitespace()));
const PASSWORD_FIELD: Field = Field::new("password", "Password of this user");
const PASSWORD: Text = Text::new(PASSWORD_FIELD.name, PASSWORD_FIELD.about).length(1, 1024).secret();
const EMAIL_FIELD: Field = Field::new("email", "The user's email");
const EMAIL: Text = Text::new(EMAIL_FIELD.name, EMAIL_FIELD.about).length(1, 254).format("email", is_email);
const USERNAME_FIELD: Field = Field::new("username", "The user's username");
const USERNAME: Text = Text::new(USERNAME_FIELD.name, USERNAME_FIELD.about)
    .length(1, 128)
    .pattern(r"^[a-zA-Z0-9_+\-.!#$^`~@']*$", is_event_username);
const PHONE_NUMBER_FIELD: Field = Field::new("phone_number", "The user's phone number");
const PHONE_NUMBER: Text =
    Text::new(PHONE_NUMBER_FIELD.name, PHONE_NUMBER_FIELD.about).pattern(r"^\+[0-9]{1,15}$", is_phone);
const GIVEN_NAME: Text = Text::new("given_name", "The user's given name(s)").length(1, 150);
const FAMILY_NAME: Text = Text::new("family_name", "The user's family name(s)").length(1, 150);
const NAME: Text = Text::new("name", "The user's full name").length(1, 300);
const NICKNAME: Text = Text::new("nickname", "The user's nickname").length(1, 300);
const PICTURE: Text =
    Text::new("picture", "A URI pointing to the user's picture").length(1, 2048).format("uri", is_uri);
const EMAIL_VERIFIED: Field = Field::new("email_verified", "Whether this email address is verified");
const PHONE_VERIFIED: Field = Field::new("phone_verified", "Whether this phone number is verified");
const BLOCKED: Field = Field::new("blocked", "Whether this user was blocked by an administrator");
const USER_METADATA: Field = Field::new("user_metadata", "Data that the user has read/write access to");
const APP_METADATA: Field = Field::new("app_metadata", "Data that the user has read-only access to");
const VERIFY_EMAIL: Field = Field::new("verify_email", "Whether the user will receive a verification email");
const VERIFY_PHONE: Field = Field::new("verify_phone_number", "Whether the user will receive a verification SMS");
const VERIFY_PASSWORD: Field = Field::new("verify_password", "Whether the user will confirm the password change");
const CLIENT_ID: Text = Text::new("client_id", "Identifier of the client in whose name the user is changed");

/// A user to create.
#[derive(Debug)]
pub(crate) struct NewUser {
    /// The connection's name.
    pub connection: String,
    /// The id in the connection, if the caller chose one.
    pub local_id: Option<String>,
    /// Checked and dropped.
    pub password: Option<Secret>,
    /// Everything else.
    pub profile: UserProfile,
}

impl NewUser {
    /// Checks what users of a strategy must have, and what they cannot: those of a database an e-mail address and a
    /// password, those to whom a code is sent the address or number for it, and nothing to remember.
    pub(crate) fn check_for(&self, strategy: Strategy) -> Result<(), Invalid> {
        let fault = |reason: String| Err(Invalid::new(Part::Payload, &reason, "", ""));
        let missing = |field: Field| fault(format!("Missing required property: {}", field.name));
        let (has_email, has_phone) = (self.profile.email.is_some(), self.profile.phone_number.is_some());
        let is_passwordless = strategy == Strategy::EMAIL || strategy == Strategy::SMS;
        let not_allowed =
            [(PASSWORD_FIELD.name, self.password.is_some()), (USERNAME_FIELD.name, self.profile.username.is_some())];
        match not_allowed.iter().find(|(_, is_given)| is_passwordless && *is_given) {
            Some((name, _)) => fault(format!("Additional properties not allowed: {name}")),
            None if strategy == Strategy::SMS => {
                if has_phone {
                    Ok(())
                } else {
                    missing(PHONE_NUMBER_FIELD)
                }
            }
            None if !has_email => missing(EMAIL_FIELD),
            None if !is_passwordless && self.password.is_none() => missing(PASSWORD_FIELD),
            None => Ok(()),
        }
    }
}

/// What to change of a user.
#[derive(Debug)]
pub(crate) struct UserChanges {
    /// The connection that the user must be of, if the caller names one.
    pub connection: Option<String>,
    /// Checked and dropped.
    pub password: Option<Secret>,
    /// Everything else.
    pub profile: UserProfile,
}

/// Reads the body of a creation. What it must have depends on the connection.
pub(crate) fn read_new(mut body: ObjectReader) -> Result<NewUser, Invalid> {
    let connection = body.text_required(&CONNECTION)?;
    let local_id = body.text(&USER_ID)?;
    let password = body.text(&PASSWORD)?.map(Secret::new);
    let profile = read_profile(&mut body)?;
    body.boolean(VERIFY_EMAIL)?;
    body.finish()?;
    Ok(NewUser { connection, local_id, password, profile })
}

/// Reads the body of a change. No mail or message is ever sent, so what asks for one is taken and dropped.
pub(crate) fn read_changes(mut body: ObjectReader) -> Result<UserChanges, Invalid> {
    let connection = body.text(&CONNECTION)?;
    let password = body.text(&PASSWORD)?.map(Secret::new);
    let profile = read_profile(&mut body)?;
    body.boolean(VERIFY_EMAIL)?;
    body.boolean(VERIFY_PHONE)?;
    body.boolean(VERIFY_PASSWORD)?;
    body.text(&CLIENT_ID)?;
    body.finish()?;
    Ok(UserChanges { connection, password, profile })
}

fn read_profile(body: &mut ObjectReader) -> Result<UserProfile, Invalid> {
    Ok(UserProfile {
        email: body.text(&EMAIL)?,
        email_verified: body.boolean(EMAIL_VERIFIED)?,
        username: body.text(&USERNAME)?,
        phone_number: body.text(&PHONE_NUMBER)?,
        phone_verified: body.boolean(PHONE_VERIFIED)?,
        given_name: body.text(&GIVEN_NAME)?,
        family_name: body.text(&FAMILY_NAME)?,
        name: body.text(&NAME)?,
        nickname: body.text(&NICKNAME)?,
        picture: body.text(&PICTURE)?,
        user_metadata: body.map(USER_METADATA)?,
        app_metadata: body.map(APP_METADATA)?,
        blocked: body.boolean(BLOCKED)?,
    })
}
