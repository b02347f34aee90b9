package usage

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"

	"roster/internal/access"
	"roster/internal/api"
	"roster/internal/fault"
)

// ForwardAuthRequest asks about the key that a client sent to a gateway, which the
// gateway passes on as it came.
type ForwardAuthRequest struct {
	// Model is the one about to be called, by its full name: provider/model. Where the
	// query names none, a header may.
	Model Model `query:"model" header:"X-Roster-Model" json:"-"`
	// Deny is for gateways that know no other refusals than 401 and 403.
	Deny Deny `query:"deny" json:"-"`
}

// Deny is the status of a refusal for which a gateway does not know the right one.
type Deny string

// DenyForbidden makes a 403 of a 429.
const DenyForbidden Deny = "403"

func (d *Deny) UnmarshalText(b []byte) error {
	if Deny(b) != DenyForbidden {
		return fmt.Errorf("is not %s", DenyForbidden)
	}
	*d = DenyForbidden
	return nil
}

// ForwardAuth answers as authorize does, about whoever sends the key: in Authorization, or
// in x-api-key, api-key or x-goog-api-key. What gateways pass on stands in headers too:
// X-Roster-Allowed and X-Roster-Code; of a Yes X-Roster-User-Id, -Organization-Id, -Key-Id,
// -Role, -Test, -Connection-Scope, -Remaining-Daily-Usd, -Remaining-Monthly-Usd (absent, there
// is no limit), -Resets-Daily and -Resets-Monthly; of a No X-Roster-Status, the status that the
// client should see, X-Roster-Detail, which may stand in a JSON string, and, where they apply,
// Retry-After and x-should-retry. An answer without X-Roster-Code is no decision.
func (g Gate) ForwardAuth(ctx context.Context, by access.Caller, in ForwardAuthRequest) (Decision, error) {
	out, err := g.Authorize(ctx, by, AuthorizeRequest{Model: in.Model})
	return out, in.Deny.of(err)
}

// of is a refusal as it is answered.
func (d Deny) of(err error) error {
	f, ok := errors.AsType[*fault.Error](err)
	if d != DenyForbidden || !ok || f.Kind != fault.TooMany {
		return err
	}
	forbidden := *f
	forbidden.Kind = fault.Forbidden
	return &forbidden
}

// The headers of every decision.
const (
	headerAllowed = "X-Roster-Allowed"
	headerCode    = "X-Roster-Code"
)

// Headers tell gateways of a Yes.
func (d Decision) Headers() map[string]string {
	headers := map[string]string{
		headerAllowed:               "true",
		headerCode:                  d.Code,
		"X-Roster-User-Id":          string(d.User),
		"X-Roster-Organization-Id":  string(d.Organization),
		"X-Roster-Key-Id":           string(d.Key),
		"X-Roster-Role":             d.Role,
		"X-Roster-Connection-Scope": string(d.Connection),
		"X-Roster-Resets-Daily":     d.ResetsAt.Daily.Format(time.RFC3339),
		"X-Roster-Resets-Monthly":   d.ResetsAt.Monthly.Format(time.RFC3339),
	}
	if d.Test {
		headers["X-Roster-Test"] = "true"
	}
	if left := d.Remaining.Daily; left != nil {
		headers["X-Roster-Remaining-Daily-Usd"] = left.String()
	}
	if left := d.Remaining.Monthly; left != nil {
		headers["X-Roster-Remaining-Monthly-Usd"] = left.String()
	}
	maps.DeleteFunc(headers, func(_, value string) bool { return value == "" })
	return headers
}

// inHeaders tells gateways of a No; that Roster cannot answer is none.
func inHeaders(err error) error {
	f, ok := errors.AsType[*fault.Error](err)
	if !ok || f.Members["allowed"] != false {
		return err
	}
	return f.WithHeaders(map[string]string{
		headerAllowed:     "false",
		headerCode:        f.Code,
		"X-Roster-Status": strconv.Itoa(api.StatusOf(f.Kind)),
		"X-Roster-Detail": quotable(f.Detail),
	})
}

// quotable is a text as it may stand in a header, and within a JSON string.
func quotable(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '"', r == '\\':
			return '\''
		case r < ' ', r > '~':
			return '?'
		}
		return r
	}, text)
}
