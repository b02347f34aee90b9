package usage

import (
	"context"
	"errors"
	"time"

	"roster/internal/access"
	"roster/internal/fault"
	"roster/internal/id"
	"roster/internal/model"
	"roster/internal/money"
	"roster/internal/price"
	"roster/internal/spending"
)

// AuthorizeRequest asks for the caller, or for whom a gateway names.
type AuthorizeRequest struct {
	Named
	// Model is the one about to be called, by its full name: provider/model.
	Model Model `json:"model,omitzero"`
}

func (in *AuthorizeRequest) Validate() []fault.Field { return in.faults() }

// Decision is a Yes; a No is a problem with allowed:false.
type Decision struct {
	Allowed      bool            `json:"allowed"`
	Code         string          `json:"code"`
	User         id.User         `json:"user_id"`
	Organization id.Organization `json:"organization_id"`
	Key          id.Key          `json:"key_id,omitzero"`
	// Test: a test key asks, or is asked about. The call belongs into a sandbox, and no
	// limit counts it.
	Test      bool      `json:"test,omitzero"`
	Role      string    `json:"role"`
	Remaining Remaining `json:"remaining"`
	ResetsAt  Resets    `json:"resets_at"`
	// Limits are those that bind the call.
	Limits []Bound `json:"limits,omitzero"`
	// Rates are how much the caller may ask for in a minute, and at once.
	Rates []Rate `json:"rates,omitzero"`
	// AllowedModels are those that may be called, where not all may; told where no
	// model was named.
	AllowedModels model.List `json:"allowed_models,omitzero"`
	// Connection is whose connection there is to the model's provider (to any, where
	// no provider is named); absent where the organization requires none.
	Connection access.ConnectionScope `json:"connection_scope,omitzero"`
}

// errReserve refuses where nobody may exceed a limit by calls that are under way.
var errReserve = fault.New(fault.Forbidden, "reservation_required",
	"The organization's limits are strict: reserve what the call may cost (POST /v1/reservations).")

// ErrNoPrice refuses a call that nobody could say what it costs.
var ErrNoPrice = fault.New(fault.Forbidden, "model_unpriced",
	"The model has no price: the organization gives it one, or sets a default tariff.")

// admitted is how who was named stands, through the key that was named, and whose
// connection serves their calls of the model; who may not call it is refused.
func admitted(ctx context.Context, path *access.HotPath, by access.Caller, who subject, model Model, now time.Time) (access.Standing, access.ConnectionScope, error) {
	standing := by.Own
	if who.user != by.User() {
		var err error
		if standing, err = path.Standing(ctx, by.Actor, who.user); err != nil {
			return standing, "", err
		}
	}
	if who.text != nil || who.key != by.Key() {
		standing = standing.Through(who.key, who.text, now)
	}
	connection, err := path.Admit(ctx, standing, string(model))
	if errors.Is(err, access.ErrKey) {
		err = unknownKey(who.pointer)
	}
	return standing, connection, err
}

// Remaining is what may still be spent; null is unlimited.
type Remaining struct {
	Daily   *money.Amount `json:"daily_usd"`
	Monthly *money.Amount `json:"monthly_usd"`
}

// CodeOK is the code of a Yes.
const CodeOK = "ok"

// Authorize answers whether a key or member may use models now; the headers of the answer are
// those of forwardAuth.
func (g Gate) Authorize(ctx context.Context, by access.Caller, in AuthorizeRequest) (Decision, error) {
	out, err := g.decide(ctx, by, in)
	return out, inHeaders(refusal(err))
}

func (g Gate) decide(ctx context.Context, by access.Caller, in AuthorizeRequest) (Decision, error) {
	who, err := in.subject(by)
	if err != nil {
		return Decision{}, err
	}
	now := g.Now()
	standing, connection, err := admitted(ctx, g.path, by, who, in.Model, now)
	if err != nil {
		return Decision{}, err
	}
	b, err := g.pools.bindingNow(ctx, by.Organization(), standing, who.limited(by), now)
	if err != nil {
		return Decision{}, err
	}
	if limit := reached(b.limits, b.mode); limit != nil {
		warn(ctx, g.warnings, *limit, by.Organization(), standing, who.limited(by), now)
	}
	if refused := b.refusal(now); refused != nil {
		return Decision{}, refused
	}
	if err := Priced(ctx, g.prices, by.Organization(), standing, in.Model); err != nil {
		return Decision{}, err
	}
	if b.mode == spending.Strict && len(b.limits)+len(b.rates) > 0 {
		return Decision{}, errReserve
	}
	out := Decision{
		Remaining: remaining(b.limits), Limits: b.limits, Rates: b.rates,
		Allowed: true, Code: CodeOK, User: who.user, Organization: by.Organization(), Key: who.key, Test: who.isTest(by), Role: standing.Role(),
		ResetsAt: resetsAfter(now, standing.Location()), Connection: connection,
	}
	if in.Model == "" {
		out.AllowedModels = standing.AllowedModels()
	}
	return out, nil
}

// Priced refuses with ErrNoPrice a model whose calls have no price, neither of their own nor
// by a default tariff; where limits are only observed, nothing is refused.
func Priced(ctx context.Context, prices *price.Book, org id.Organization, standing access.Standing, named Model) error {
	if named == "" || standing.LimitMode() == spending.Observe {
		return nil
	}
	list, err := prices.List(ctx, org)
	if err != nil {
		return err
	}
	if _, basis := list.For(string(named)); basis == price.Dearest {
		return ErrNoPrice.With("model", named)
	}
	return nil
}
