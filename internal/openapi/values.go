package openapi

import (
	"reflect"
	"time"

	"github.com/go-jose/go-jose/v4"

	"roster/internal/access"
	"roster/internal/api"
	"roster/internal/apikey"
	"roster/internal/audit"
	"roster/internal/billing"
	"roster/internal/calendar"
	"roster/internal/connection"
	"roster/internal/diagnosis"
	"roster/internal/email"
	"roster/internal/fault"
	"roster/internal/field"
	"roster/internal/id"
	"roster/internal/invitation"
	"roster/internal/job"
	"roster/internal/joinrequest"
	"roster/internal/limitrequest"
	"roster/internal/member"
	"roster/internal/model"
	"roster/internal/money"
	"roster/internal/offboarding"
	"roster/internal/openapi/spec"
	"roster/internal/organization"
	"roster/internal/outbox"
	"roster/internal/page"
	"roster/internal/permission"
	"roster/internal/policy"
	"roster/internal/price"
	"roster/internal/role"
	"roster/internal/spending"
	"roster/internal/usage"
)

// values has the schema of every type that reads or writes itself, and of every
// named string and number.
var values = map[reflect.Type]spec.Schema{
	reflect.TypeFor[time.Time](): {
		Type: spec.String, Format: "date-time", Description: "RFC 3339, in UTC", Examples: []any{"2026-11-22T10:00:00Z"}},

	reflect.TypeFor[field.Time](): {
		Type: spec.String, Format: "date-time", Description: "RFC 3339, with any offset", Examples: []any{"2026-11-22T10:00:00Z"}},

	reflect.TypeFor[field.Name]():  {Type: spec.String, MaxLength: field.NameLength, Examples: []any{"Ada Lovelace"}},
	reflect.TypeFor[field.Label](): {Type: spec.String, MaxLength: field.LabelLength, Examples: []any{"laptop"}},
	reflect.TypeFor[field.Reason](): {
		Type: spec.String, MaxLength: field.ReasonLength, Description: "One paragraph for people",
		Examples: []any{"Unusual spending pattern"}},
	reflect.TypeFor[field.Text](): {
		Type: spec.String, MaxLength: field.TextLength, Description: "Several lines for people",
		Examples: []any{"Welcome to the team!"}},
	reflect.TypeFor[field.Password](): {
		Type: spec.String, Format: "password", MinLength: field.PasswordMin, MaxLength: field.PasswordLength,
		Examples: []any{"correct horse battery staple"}},
	reflect.TypeFor[field.Attempt](): {
		Type: spec.String, Format: "password", Description: "A password as it was typed",
		Examples: []any{"correct horse battery staple"}},
	reflect.TypeFor[field.OTP](): {
		Type: spec.String, Description: "The six digits of an authenticator, or a recovery code. Spaces and hyphens do not count",
		Examples: []any{"287082"}},
	reflect.TypeFor[field.URL](): {
		Type: spec.String, MaxLength: field.URLLength, Pattern: `^(https?://.+)?$`,
		Description: "An absolute https address (http on localhost), or empty",
		Examples:    []any{"https://example.com/guidelines"}},
	reflect.TypeFor[field.TimeZone](): {
		Type: spec.String, Description: "A name of the IANA time zone database", Examples: []any{"Europe/Berlin"}},
	reflect.TypeFor[field.Token](): {
		Type: spec.String, MaxLength: field.TokenLength, Pattern: `^[!-~]*$`, Description: "An opaque token",
		Examples: []any{"2Yx0cVb7Qm"}},
	reflect.TypeFor[field.Cursor](): {
		Type: spec.String, MaxLength: field.CursorLength, Pattern: `^[!-~]*$`,
		Description: "The next_cursor of the page before, from the same list with the same filters"},

	reflect.TypeFor[email.Address](): {
		Type: spec.String, Format: "email", MaxLength: 254, Description: "Compared without regard to case",
		Examples: []any{"ada@example.com"}},
	reflect.TypeFor[email.DomainPattern](): {
		Type: spec.String, Description: "acme.com is that domain alone, *.acme.com its subdomains alone",
		Examples: []any{"acme.com"}},

	reflect.TypeFor[id.Organization](): prefixed("org_", 26),
	reflect.TypeFor[id.User]():         prefixed("usr_", 26),
	reflect.TypeFor[id.Key](): {
		Type: spec.String, Pattern: "^key_(test_)?[" + crockford + "]{52}$", Description: "That of a test key begins with key_test_",
		Examples: prefixed("key_", 52).Examples},
	reflect.TypeFor[id.Session]():      prefixed("ses_", 26),
	reflect.TypeFor[id.Invitation]():   prefixed("inv_", 42),
	reflect.TypeFor[id.JoinRequest]():  prefixed("jrq_", 52),
	reflect.TypeFor[id.LimitRequest](): prefixed("lrq_", 52),
	reflect.TypeFor[id.Team]():         prefixed("team_", 26),
	reflect.TypeFor[id.Connection]():   prefixed("con_", 26),
	reflect.TypeFor[id.Job]():          prefixed("job_", 26),

	reflect.TypeFor[page.Limit](): {
		Type: spec.Integer, Minimum: new(1), Maximum: new(100), Default: 50, Description: "How many rows at most"},
	reflect.TypeFor[api.IfMatch](): {
		Type: spec.String, Description: "The ETag of what was read: the change is refused if it changed since",
		Examples: []any{`"3"`}},

	reflect.TypeFor[money.Amount](): {
		Type: spec.Number, Minimum: new(0), Description: "US dollars, up to nine decimal places", Examples: []any{45.5}},

	reflect.TypeFor[permission.Permission](): enumeration(permission.All...),
	reflect.TypeFor[role.Permissions](): {
		Type: spec.Array, Items: new(enumeration(permission.All...)), Description: "Permissions; see listPermissions",
		Examples: []any{[]any{"models:use", "usage:read_own"}}},
	reflect.TypeFor[role.Name](): {
		Type: spec.String, Pattern: role.NameForm, Description: "The name of a role", Examples: []any{"analyst"}},
	reflect.TypeFor[access.Status](): enumeration(access.Pending, access.Active, access.Suspended, access.Removed, access.Ended),
	reflect.TypeFor[organization.Status](): enumeration(
		organization.Active, organization.Suspended, organization.Deleting, organization.Deleted),
	reflect.TypeFor[organization.RetentionDays](): {Type: spec.Integer, Minimum: new(35), Maximum: new(3650)},
	reflect.TypeFor[organization.InvitationDays](): {
		Type: spec.Integer, Minimum: new(1), Maximum: new(30), Description: "How many days an invitation stands"},
	reflect.TypeFor[organization.GraceDays]():    {Type: spec.Integer, Minimum: new(0), Maximum: new(organization.MaxGraceDays), Default: 0},
	reflect.TypeFor[organization.SessionHours](): {Type: spec.Integer, Minimum: new(1), Maximum: new(organization.MaxSessionHours)},
	reflect.TypeFor[organization.IdleMinutes](): {
		Type: spec.Integer, Minimum: new(organization.MinIdleMinutes), Maximum: new(organization.MaxIdleMinutes)},
	reflect.TypeFor[organization.PasswordMinLength](): {
		Type: spec.Integer, Minimum: new(field.PasswordMin), Maximum: new(policy.LongestAsked), Default: field.PasswordMin},
	reflect.TypeFor[organization.PolicyVersion](): {
		Type: spec.Integer, Minimum: new(1), Maximum: new(1000000), Description: "A number of a version of the policy"},
	reflect.TypeFor[organization.Thresholds](): {
		Type: spec.Array, Items: &spec.Schema{Type: spec.Integer, Minimum: new(1), Maximum: new(100)},
		Description: "Percentages of a limit at which a warning goes out: at most 10, each once and in order. None, no warning goes out",
		Examples:    []any{[]int{80, 90, 100}}},
	reflect.TypeFor[spending.Origin](): enumeration(spending.OfMember, spending.OfOrganization),
	reflect.TypeFor[member.MetadataPatch](): {
		Type: spec.Object, Description: "A merge patch (RFC 7396): null removes a member. At most 2,048 bytes in all, five levels deep",
		Examples: []any{map[string]any{"department": "engineering"}}},
	reflect.TypeFor[member.Metadata](): {
		Type: spec.Object, Description: "The organization's own data. Numbers are as they were given, of any length",
		Examples: []any{map[string]any{"department": "engineering"}}},
	reflect.TypeFor[access.TeamRole]():       enumeration(access.TeamUser, access.TeamManager),
	reflect.TypeFor[member.GivenTeamRole]():  enumeration(access.TeamUser, access.TeamManager),
	reflect.TypeFor[member.Kind]():           enumeration(member.Person, member.ServiceAccount),
	reflect.TypeFor[member.KindFilter]():     enumeration(member.Person, member.ServiceAccount),
	reflect.TypeFor[member.OrphanedFilter](): {Type: spec.Boolean, Const: true},
	reflect.TypeFor[member.EndDate](): {
		Type: spec.String, Description: "RFC 3339, with any offset; or a day, which means its end in the organization's time zone",
		Examples: []any{"2026-12-31"}},
	reflect.TypeFor[member.Accepting](): enumeration(member.ByInvitation, member.ByJoinRequest, member.ByConsent),
	reflect.TypeFor[member.Standing]():  enumeration(access.Active, access.Suspended),
	reflect.TypeFor[member.Search](): {
		Type: spec.String, MaxLength: field.LabelLength,
		Description: "How the address, or a word of the name, begins: without regard to case, and in names to marks such as the dots of an umlaut. " +
			"Goes with status, and with role, team or kind. First come those found by address, in its order, then those found by name alone"},
	reflect.TypeFor[member.Sort](): sorts(),
	reflect.TypeFor[member.Order](): {
		Type: spec.String, Enum: []string{string(member.Ascending), string(member.Descending)},
		Description: "asc where it is not said; sort=spend has desc alone, search has no other than its own"},
	reflect.TypeFor[member.Reference](): {
		Type: spec.String, MaxLength: 100, Description: "The id of a member; what is none fails by itself",
		Examples: prefixed("usr_", 26).Examples},
	reflect.TypeFor[member.Outcome](): enumeration(member.OutcomeDone, member.OutcomeUnchanged, member.OutcomeFailed),
	reflect.TypeFor[offboarding.Fate](): enumeration(
		offboarding.Revoked, offboarding.Stays, offboarding.Transferred, offboarding.Orphaned, offboarding.Dead),
	reflect.TypeFor[apikey.Scope](): {
		Type: spec.String, Enum: []string{string(apikey.OrganizationScope)}, Description: "organization: the keys of everyone, page by page"},
	reflect.TypeFor[apikey.State](): {
		Type: spec.String, Enum: []string{string(apikey.Orphaned), string(apikey.Idle)},
		Description: "orphaned: their secret is known to someone who is no active member any more, or such a one answers for the service account. " +
			"idle: without usage for idle_days"},
	reflect.TypeFor[apikey.IdleDays](): {
		Type: spec.Integer, Minimum: new(1), Maximum: new(3650), Default: 90, Description: "How many days"},
	reflect.TypeFor[member.StatusFilter](): enumeration(access.Pending, access.Active, access.Suspended, access.Removed),
	reflect.TypeFor[invitation.Status](): enumeration(
		invitation.Pending, invitation.Accepted, invitation.Revoked, invitation.Expired),
	reflect.TypeFor[spending.Mode](): enumeration(spending.Balanced, spending.Strict, spending.Observe),
	reflect.TypeFor[id.Reservation](): {
		Type: spec.String, Pattern: "^res_(test_)?[" + crockford + "]{44}$", Examples: prefixed("res_", 44).Examples},
	reflect.TypeFor[usage.Source]():   {Type: spec.Integer, Minimum: new(0), Maximum: new(usage.MaxSources - 1), Description: "Numbers what reports: a process of a gateway"},
	reflect.TypeFor[usage.Sequence](): {Type: spec.Integer, Minimum: new(1), Description: "Numbers the chunks of a source, without a gap"},
	reflect.TypeFor[usage.Tokens](): {
		Type: spec.Object, Description: "The usage object of an answer: of OpenAI's chat completions (prompt_tokens, completion_tokens), " +
			"of its responses (input_tokens with input_tokens_details, output_tokens), or of Anthropic's messages (input_tokens with " +
			"cache_read_input_tokens and cache_creation_input_tokens, which it does not include)",
		Examples: []any{map[string]any{"prompt_tokens": 1000, "completion_tokens": 200, "prompt_tokens_details": map[string]any{"cached_tokens": 400}}}},
	reflect.TypeFor[usage.EpochSeconds](): {
		Type: spec.Number, Minimum: new(0), Description: "Seconds since 1970, UTC", Examples: []any{1795341600.25}},
	reflect.TypeFor[usage.GenAIAttributes](): {
		AnyOf:       []*spec.Schema{{Type: spec.Object}, {Type: spec.Array, Items: &spec.Schema{Type: spec.Object}}},
		Description: "Attributes of OpenTelemetry's semantic conventions for generative AI, by their names, or as a list of key and value as in OTLP",
		Examples:    []any{map[string]any{"gen_ai.request.model": "gpt-4o", "gen_ai.usage.input_tokens": 1000, "gen_ai.usage.output_tokens": 200}}},
	reflect.TypeFor[usage.GenAISpans](): {
		Type: spec.Array, Items: &spec.Schema{Type: spec.Object},
		Description: "Spans of an OTLP export in JSON. Those of model calls are read, up to 500; what others there are is let be"},
	reflect.TypeFor[usage.Deny](): {
		Type: spec.String, Enum: []string{string(usage.DenyForbidden)}, Description: "403: what would be a 429 is one, as nginx needs it"},
	reflect.TypeFor[usage.Window]():    enumeration(usage.Daily, usage.Monthly),
	reflect.TypeFor[usage.Owner]():     enumeration(usage.OfMember, usage.OfKey, usage.OfTeam, usage.OfOrganization),
	reflect.TypeFor[usage.RateName]():  enumeration(usage.RequestsPerMinute, usage.TokensPerMinute, usage.MaxInFlight),
	reflect.TypeFor[spending.Preset](): enumeration(spending.PresetNames...),
	reflect.TypeFor[spending.Count]():  {Type: spec.Integer, Minimum: new(0), Maximum: new(spending.MaxCount)},
	reflect.TypeFor[spending.Rate](): {
		AnyOf:       []*spec.Schema{{Type: spec.Integer, Minimum: new(0), Maximum: new(spending.MaxCount)}, {Type: spec.String}},
		Description: "A whole number; or inherit", Examples: []any{60, spending.Inherit}},
	reflect.TypeFor[spending.Figure](): {
		AnyOf:       []*spec.Schema{{Type: spec.Number, Minimum: new(0)}, {Type: spec.String}},
		Description: "US dollars, up to nine decimal places; or inherit", Examples: []any{200, spending.Inherit}},
	reflect.TypeFor[invitation.Sheet](): {
		Type: spec.String, Description: "A table (RFC 4180) in UTF-8, whose first row names its columns, in any order and case: " +
			"email or e-mail, and as far as there are such name, role, teams (names or ids, separated by semicolons), preset, " +
			"monthly_limit and daily_limit (in USD, or unlimited), message, and a column metadata.<name> for each member of the metadata. " +
			"An empty cell says nothing",
		Examples: []any{"email,name,role,teams,monthly_limit,metadata.department\r\nada@example.com,Ada Lovelace,developer,Search;Ranking,200,Engineering\r\n"}},
	reflect.TypeFor[limitrequest.Status](): enumeration(limitrequest.Statuses...),
	reflect.TypeFor[joinrequest.Status](): enumeration(
		joinrequest.Pending, joinrequest.Approved, joinrequest.Rejected, joinrequest.Withdrawn),
	reflect.TypeFor[outbox.Delivery](): enumeration(
		outbox.Queued, outbox.Sent, outbox.Failed, outbox.Delivered, outbox.Bounced, outbox.Complained),

	reflect.TypeFor[connection.Provider](): {
		Type: spec.String, MaxLength: connection.ProviderLength, Pattern: "^[a-z0-9]([a-z0-9._-]*[a-z0-9])?$",
		Description: "What stands before the slash in the names of the models that it serves", Examples: []any{"openai"}},
	reflect.TypeFor[connection.Credential](): {
		AnyOf: []*spec.Schema{
			{Type: spec.String, MinLength: 1},
			{Type: spec.Object, AdditionalProperties: &spec.Schema{Type: spec.String, MinLength: 1}},
		},
		Description: "What the provider wants to see: a string, or an object of strings. At most 8,192 bytes. It is never shown again",
		Examples:    []any{map[string]any{"api_key": "an-api-key-of-the-provider"}}},
	reflect.TypeFor[access.ConnectionScope](): enumeration(access.OrganizationConnection, access.PersonalConnection),
	reflect.TypeFor[model.Pattern](): {
		Type: spec.String, MaxLength: model.NameBytes, Pattern: `^[^*]*[*]?$`,
		Description: "One model, or with a * at its end all that begin alike", Examples: []any{"openai/*"}},
	reflect.TypeFor[model.List](): {
		Type: spec.Array, Items: &spec.Schema{Type: spec.String, MaxLength: model.NameBytes},
		Description: "Models, and beginnings of their names that end in *: 1 to 50, and 1,024 bytes together",
		Examples:    []any{[]string{"openai/gpt-5", "anthropic/*"}}},
	reflect.TypeFor[apikey.Grace](): {
		Type: spec.Integer, Minimum: new(0), Maximum: new(apikey.MaxGraceSeconds), Default: 0, Description: "Seconds"},
	reflect.TypeFor[job.State]():  enumeration(job.Queued, job.Running, job.Done, job.Failed),
	reflect.TypeFor[job.Status](): enumeration(job.RowDone, job.RowUnchanged, job.RowFailed),

	reflect.TypeFor[audit.Action](): {
		Type: spec.String, Description: "See listAuditActions", Examples: []any{"member.suspended"}},
	reflect.TypeFor[audit.ActionFilter](): {
		Type: spec.String, Description: "An action of listAuditActions, or the beginning of several up to their dot",
		Examples: []any{"member."}},
	reflect.TypeFor[audit.Target](): {
		Type: spec.String, Pattern: `^([a-z]{3,4}_(test_)?[0-9A-Z]{26,68}|[a-z][a-z0-9_-]{0,39})$`, Examples: prefixed("team_", 26).Examples},
	reflect.TypeFor[field.Format](): {
		Type: spec.String, Enum: []string{string(field.CSV), string(field.JSON)},
		Description: "A cell of CSV that a spreadsheet would run begins with an apostrophe"},
	reflect.TypeFor[audit.ActorKind](): enumeration(audit.ActorKinds...),
	reflect.TypeFor[audit.State]():     {Type: spec.Object, Description: "By the names that the API has"},

	reflect.TypeFor[diagnosis.Subject](): {
		Type: spec.String, Pattern: "^(usr|inv|jrq)_[0-9A-Z]{26,52}$", Examples: prefixed("usr_", 26).Examples},
	reflect.TypeFor[member.InactiveDays](): {
		Type: spec.Integer, Minimum: new(0), Maximum: new(member.MaxInactiveDays), Default: member.DefaultInactiveDays},

	reflect.TypeFor[usage.EventID](): {
		Type: spec.String, MaxLength: usage.ReferenceLength, Pattern: `^[!-~]*$`, Examples: []any{"call-2026-11-22-0001"}},
	reflect.TypeFor[usage.Reference](): {Type: spec.String, MaxLength: usage.ReferenceLength, Pattern: `^[!-~]*$`},
	reflect.TypeFor[usage.Model](): {
		Type: spec.String, MaxLength: usage.ModelBytes, Examples: []any{"gpt-5"}},
	reflect.TypeFor[usage.TokenCount](): {Type: spec.Integer},
	reflect.TypeFor[usage.Scope]():      enumeration(usage.Organization, usage.Personal),
	reflect.TypeFor[usage.Tags](): {
		Type: spec.Object, AdditionalProperties: &spec.Schema{Type: spec.String, MaxLength: field.NameLength},
		Description: "At most 16, and 512 bytes of names and values together",
		Examples:    []any{map[string]any{"project": "search"}}},
	reflect.TypeFor[usage.Outcome](): enumeration(usage.Recorded, usage.Duplicate, usage.Rejected),
	reflect.TypeFor[calendar.Date](): {
		Type: spec.String, Format: "date", Description: "A day of the organization's time zone",
		Examples: []any{"2026-11-01"}},
	reflect.TypeFor[usage.GroupBy]():     {Type: spec.String, Pattern: "^(user|team|model|key|day|month|metadata[.].+)$", Examples: []any{"user", "metadata.department"}},
	reflect.TypeFor[usage.Sort]():        {Type: spec.String, Enum: []string{"cost", "requests", "tokens", "input_tokens", "output_tokens", "name"}},
	reflect.TypeFor[usage.ReportLimit](): {Type: spec.Integer, Minimum: new(1), Maximum: new(1000), Default: 1000},

	reflect.TypeFor[money.Rate](): {
		Type: spec.Number, Minimum: new(0), Maximum: new(1), Description: "US dollars, up to 18 decimal places; read from a string too",
		Examples: []any{0.00000125}},
	reflect.TypeFor[price.Version](): {
		Type: spec.String, Pattern: `^(0|[1-9][0-9]{0,8})(@[0-9]{4}-[0-9]{2}-[0-9]{2})?$`,
		Description: "The number of a version of the organization's prices, and the date of the built-in list", Examples: []any{"3@2026-11-01"}},
	reflect.TypeFor[price.Origin](): enumeration(price.OfOrganization, price.OfBuiltIn),
	reflect.TypeFor[price.Basis]():  enumeration(price.Listed, price.DefaultTariff, price.Dearest),

	reflect.TypeFor[billing.Month](): {
		Type: spec.String, Pattern: `^[0-9]{4}-[0-9]{2}$`, Description: "A month of the organization's time zone", Examples: []any{"2026-11"}},
	reflect.TypeFor[billing.Status](): enumeration(billing.Open, billing.Closed),
	reflect.TypeFor[billing.Limit](): {
		Type: spec.Integer, Minimum: new(1), Maximum: new(1000), Default: 1000, Description: "How many members' lines at most"},

	reflect.TypeFor[fault.Field](): fieldSchema(),

	reflect.TypeFor[jose.JSONWebKey](): {
		Type: spec.Object, Description: "A JSON Web Key (RFC 7517) of Ed25519 (RFC 8037)",
		Properties: spec.Ordered[*spec.Schema]{
			{Name: "kty", Value: &spec.Schema{Type: spec.String, Const: "OKP"}},
			{Name: "crv", Value: &spec.Schema{Type: spec.String, Const: "Ed25519"}},
			{Name: "x", Value: &spec.Schema{Type: spec.String}},
			{Name: "kid", Value: &spec.Schema{Type: spec.String}},
			{Name: "alg", Value: &spec.Schema{Type: spec.String}},
			{Name: "use", Value: &spec.Schema{Type: spec.String, Const: "sig"}},
		},
		Required: []string{"kty", "crv", "x", "kid"}},
}

// stands has the types of members that hold other values than their declared
// type says.
var stands = map[string]reflect.Type{
	"usage.RecordRequest.Events":               reflect.TypeFor[[]usage.Shape](), // read by the use case itself
	"invitation.BulkInviteRequest.Invitations": reflect.TypeFor[[]invitation.InviteRequest](),
	"member.Row.Email":                         reflect.TypeFor[string](), // empty for service accounts
}

// unions are the types of values that are each of one of several types.
var unions = map[reflect.Type][]reflect.Type{
	reflect.TypeFor[usage.Shape](): {
		reflect.TypeFor[usage.Event](), reflect.TypeFor[usage.MeteredEvent](), reflect.TypeFor[usage.AnsweredEvent](),
		reflect.TypeFor[usage.TracedEvent](), reflect.TypeFor[usage.LiteLLMEvent](),
	},
}

// foreign are the shapes of others: they read themselves, member by member, and let
// members stand that Roster does not know.
var foreign = map[reflect.Type]bool{
	reflect.TypeFor[usage.ModelResponse](): true,
	reflect.TypeFor[usage.LiteLLMEvent]():  true,
}

// pathParameters are those that no In names: the credential's organization is
// checked against org_id before.
var pathParameters = map[string]reflect.Type{"org_id": reflect.TypeFor[id.Organization]()}

const crockford = "0-9A-HJKMNP-TV-Z"

func prefixed(prefix string, length int) spec.Schema {
	const ulid = "01KAN9K2V5Q3H8D7R6C4B1A0ZX01KAN9K2V5Q3H8D7R6C4B1A0ZX"
	return spec.Schema{
		Type: spec.String, Pattern: "^" + prefix + "[" + crockford + "]{" + decimal(length) + "}$",
		Examples: []any{prefix + ulid[:length]},
	}
}

func sorts() spec.Schema {
	s := enumeration(member.SortEmail, member.SortName, member.SortCreated, member.SortSpend, member.SortLastActive)
	s.Default = string(member.SortEmail)
	s.Description = "email goes with status, and with role or team; name and created with status; the others with none. " +
		"spend: whoever spent something this month, the highest first, exact on a page and to the percent from page to page. " +
		"last_active: active and suspended members, first those who were never active"
	return s
}

func enumeration[T ~string](all ...T) spec.Schema {
	s := spec.Schema{Type: spec.String}
	for _, v := range all {
		s.Enum = append(s.Enum, string(v))
	}
	return s
}
