package usage

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"roster/internal/access"
	"roster/internal/calendar"
	"roster/internal/fault"
	"roster/internal/id"
	"roster/internal/money"
	"roster/internal/price"
	"roster/internal/spending"
	"roster/internal/spent"
	"roster/internal/table"
)

// ReserveRequest asks to hold what a call may cost: for the caller, or for whom a
// gateway names.
type ReserveRequest struct {
	Named
	// ID is the reporter's own name of the reservation: the same again is the same one.
	ID Reference `json:"id,omitzero"`
	// Model is the one about to be called, by its full name: provider/model.
	Model Model `json:"model,omitzero"`
	// InputTokens and MaxOutputTokens say by the model's price what the call may cost,
	// where EstimatedCost does not.
	InputTokens     *int64        `json:"input_tokens,omitzero"`
	MaxOutputTokens *int64        `json:"max_output_tokens,omitzero"`
	EstimatedCost   *money.Amount `json:"estimated_cost_usd,omitzero"`
	// ExpiresIn is until when the reservation counts, in seconds: 600 where it is not
	// said. It is longer than the caller waits for the model.
	ExpiresIn *int64 `json:"expires_in_s,omitzero"`
}

const (
	// defaultExpiry and maxExpiry are in seconds.
	defaultExpiry = 600
	maxExpiry     = 24 * 60 * 60
	// maxDecisions bounds how often a reservation is decided anew.
	maxDecisions = 50
)

// Validate refuses an estimate that is none.
func (in *ReserveRequest) Validate() []fault.Field {
	faults := in.faults()
	refuse := func(pointer, reason string) {
		faults = append(faults, fault.Field{Pointer: pointer, Reason: reason})
	}
	for pointer, tokens := range map[string]*int64{"/input_tokens": in.InputTokens, "/max_output_tokens": in.MaxOutputTokens} {
		switch {
		case tokens == nil && in.EstimatedCost == nil:
			refuse(pointer, "is required without estimated_cost_usd")
		case tokens != nil && in.EstimatedCost != nil:
			refuse(pointer, "cannot stand beside estimated_cost_usd")
		case tokens != nil && (*tokens < 0 || *tokens > MaxTokens):
			refuse(pointer, fmt.Sprintf("is not from 0 to %d", MaxTokens))
		}
	}
	if in.EstimatedCost == nil && in.Model == "" {
		refuse("/model", "is required without estimated_cost_usd")
	}
	if in.EstimatedCost != nil && *in.EstimatedCost > MaxCost {
		refuse("/estimated_cost_usd", fmt.Sprintf("is more than %s", MaxCost))
	}
	if in.ExpiresIn != nil && (*in.ExpiresIn < 1 || *in.ExpiresIn > maxExpiry) {
		refuse("/expires_in_s", fmt.Sprintf("is not from 1 to %d", maxExpiry))
	}
	return faults
}

// Reserved is a reservation, and what is left beside it.
type Reserved struct {
	Reservation Reservation `json:"reservation"`
	Remaining   Remaining   `json:"remaining"`
	ResetsAt    Resets      `json:"resets_at"`
	// MaxOutputTokens is how many the model may give at most for what is left and for
	// what is reserved here; told where the estimate is by tokens.
	MaxOutputTokens *int64 `json:"max_output_tokens,omitzero"`
}

// Reservation is what is held for a call.
type Reservation struct {
	ID        id.Reservation `json:"id"`
	Amount    money.Amount   `json:"amount_usd"`
	ExpiresAt time.Time      `json:"expires_at"`
}

var (
	errUnpriced = fault.New(fault.Invalid, "model_unpriced",
		"The model has no price: give it one, set a default tariff, or send estimated_cost_usd.")
	errReserved = fault.New(fault.Conflict, "reservation_exists", "Another reservation has this id.")
)

// Reserve holds what a call may cost within every limit that binds it. However many do
// so at once, no limit is exceeded by what is held and what was spent together.
//
// The same id again, as long as its reservation is neither settled nor over, is the
// same reservation.
func (m Meter) Reserve(ctx context.Context, by access.Caller, in ReserveRequest) (Reserved, error) {
	who, err := in.subject(by)
	if err != nil {
		return Reserved{}, err
	}
	estimate, err := m.estimate(ctx, by, in)
	if err != nil {
		return Reserved{}, err
	}
	var out Reserved
	err = table.Retry(ctx, func() error {
		standing, _, err := admitted(ctx, m.path, by, who, in.Model, m.Now())
		if err != nil {
			return err
		}
		out, err = m.hold(ctx, by, who, standing, in, estimate)
		return err
	})
	return out, refusal(err)
}

// estimate is what the call may cost, and the price that says so, where one does.
type estimate struct {
	amount money.Amount
	price  *price.Price
}

func (m Meter) estimate(ctx context.Context, by access.Caller, in ReserveRequest) (estimate, error) {
	if in.EstimatedCost != nil {
		return estimate{amount: *in.EstimatedCost}, nil
	}
	prices, err := m.prices.List(ctx, by.Organization())
	if err != nil {
		return estimate{}, err
	}
	of, basis := prices.For(string(in.Model))
	if basis == price.Dearest {
		return estimate{}, errUnpriced.With("model", in.Model)
	}
	return estimate{of.Estimate(*in.InputTokens, *in.MaxOutputTokens), &of}, nil
}

// hold makes the reservation in the month of the member, by one conditional write.
func (m Meter) hold(ctx context.Context, by access.Caller, who subject, s access.Standing, in ReserveRequest, e estimate) (Reserved, error) {
	now := m.Now()
	local := now.In(s.Location())
	name := string(in.ID)
	if name == "" {
		name = rand.Text()
	}
	reservation := id.NewReservation(who.user, local, name, who.isTest(by))
	month := month{who.user, local.Format(calendar.MonthForm), reservation.Test()}
	h := spent.Hold{Amount: e.amount, Expires: in.expiry(now), Day: local.Day(), Model: string(in.Model)}
	if who.key != "" && who.key.User() == who.user {
		h.Key = spent.KeyMark(who.key)
	}
	t, err := readMonth(ctx, m.Table, by.Organization(), s, month)
	if err != nil {
		return Reserved{}, err
	}
	limited := who.limited(by)
	for range maxDecisions {
		if before, ok := t.holds[reservation.Name()]; ok && before.Live(now) {
			if before.Amount != h.Amount || before.Key != h.Key || before.Model != h.Model {
				return Reserved{}, errReserved
			}
			return t.reserved(reservation, before, s, limited, now, e, in), nil
		}
		var bounds []Bound
		if s.LimitMode() != spending.Observe {
			bounds = t.bounds(s, limited, now)
		}
		for _, b := range bounds {
			if h.Amount > b.Remaining || b.reached() {
				return Reserved{}, short(b, e, in, now)
			}
		}
		if t.fence > s.Version() {
			return Reserved{}, table.ErrChanged
		}
		if over := t.over(now); len(over) > endedAtOnce { // what stays of them would stand in the way
			if t, err = m.end(ctx, by, month, t, over[:endedAtOnce]); err != nil {
				return Reserved{}, err
			}
			continue
		}
		err := m.Table.Transact(ctx, t.reserve(month.key(by.Organization()), reservation.Name(), h, bounds, s.Version(), now))
		changed, refused := errors.AsType[monthChanged](err)
		switch {
		case err == nil:
			t.holds[reservation.Name()] = h
			return t.reserved(reservation, h, s, limited, now, e, in), nil
		case !refused:
			return Reserved{}, err
		}
		t = changed.now
	}
	return Reserved{}, errBusy
}

// expiry is until when the reservation counts: at least as long as was asked for, to a
// whole second.
func (in ReserveRequest) expiry(now time.Time) time.Time {
	seconds := int64(defaultExpiry)
	if in.ExpiresIn != nil {
		seconds = *in.ExpiresIn
	}
	return now.Add(time.Duration(seconds+1)*time.Second - 1).Truncate(time.Second)
}

// short refuses a reservation for which a limit leaves too little, and says how many
// tokens of output it leaves room for.
func short(b Bound, e estimate, in ReserveRequest, now time.Time) *fault.Error {
	f := b.refusal(now)
	if e.price != nil {
		f = f.With("max_output_tokens", e.affordable(&b.Remaining, in))
	}
	return f.With("requested_usd", e.amount)
}

// affordable is how many tokens of output there is room for, by the limits and by the
// model; nil where nothing says.
func (e estimate) affordable(left *money.Amount, in ReserveRequest) *int64 {
	switch {
	case e.price == nil, left == nil && e.price.MaxOutput == 0:
		return nil
	case left == nil:
		return new(e.price.MaxOutput)
	}
	room := max(0, e.price.Affordable(*left, *in.InputTokens))
	if e.price.MaxOutput > 0 {
		room = min(room, e.price.MaxOutput)
	}
	return &room
}

// reserved is the answer: what is left counts the reservation.
func (t *tally) reserved(reservation id.Reservation, h spent.Hold, s access.Standing, key id.Key, now time.Time, e estimate, in ReserveRequest) Reserved {
	out := Reserved{
		Reservation: Reservation{reservation, h.Amount, h.Expires},
		Remaining:   remaining(t.bounds(s, key, now)), ResetsAt: resetsAfter(now, s.Location()),
	}
	room := tightest(out.Remaining)
	if room != nil {
		room = new(room.Plus(h.Amount))
	}
	out.MaxOutputTokens = e.affordable(room, in)
	return out
}

// tightest is the least of what is left; nil where nothing limits it.
func tightest(left Remaining) *money.Amount {
	switch {
	case left.Daily == nil:
		return left.Monthly
	case left.Monthly == nil || *left.Daily < *left.Monthly:
		return left.Daily
	}
	return left.Monthly
}
