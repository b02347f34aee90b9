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
	stale := false
	err = table.Retry(ctx, func() error {
		if stale {
			if by, err = m.path.Renew(ctx, by); err != nil {
				return err
			}
		}
		stale = true
		standing, _, err := admitted(ctx, m.path, by, who, in.Model, m.Now())
		if err != nil {
			return err
		}
		r, err := m.reserving(ctx, by, who, standing, in, estimate)
		if err != nil {
			return err
		}
		out, err = m.hold(ctx, by, r)
		if over, ok := errors.AsType[overLimit](err); ok {
			warn(ctx, m.warnings, over.bound, by.Organization(), standing, r.key, r.now)
		}
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

// reserving is a reservation on its way.
type reserving struct {
	id       id.Reservation
	in       ReserveRequest
	estimate estimate
	hold     spent.Hold
	month    month
	// by is how the member stands, and key the one whose limits bind.
	by  access.Standing
	key id.Key
	// pools are those that bind, and advised their limits as they were a moment ago.
	pools   []shared
	advised []Bound
	// rated are whose rates bind, and ask is what of them is asked for.
	rated []ratedOwner
	ask   asked
	now   time.Time
}

// ratedOwner is a member, or one of their keys by its mark, and how much they may ask for.
type ratedOwner struct {
	mark  string
	rates spending.Rates
}

// reserving decides what is to be held of whom.
func (m Meter) reserving(ctx context.Context, by access.Caller, who subject, s access.Standing, in ReserveRequest, e estimate) (reserving, error) {
	now := m.Now()
	local := now.In(s.Location())
	name := string(in.ID)
	if name == "" {
		name = rand.Text()
	}
	r := reserving{
		id: id.NewReservation(who.user, local, name, who.isTest(by)), in: in, estimate: e,
		hold: spent.Hold{Amount: e.amount, Expires: in.expiry(now), Day: local.Day(), Model: string(in.Model)},
		by:   s, key: who.limited(by), now: now,
	}
	r.month = month{who.user, local.Format(calendar.MonthForm), r.id.Test()}
	if who.key != "" && who.key.User() == who.user {
		r.hold.Key = spent.KeyMark(who.key)
	}
	if s.LimitMode() != spending.Observe {
		r.pools = sharedBy(by.Organization(), s, r.key, r.month.name)
	}
	r.ask = one
	if e.price != nil {
		r.ask.tokens, r.hold.TokensCounted = *in.InputTokens+*in.MaxOutputTokens, true
	} else {
		r.ask.tokens = 0 // they count when the call is reported
	}
	if !r.key.Test() {
		r.rated = r.owners()
	}
	var err error
	r.advised, err = m.pools.bounds(ctx, by.Organization(), s, r.key, now)
	return r, err
}

// hold makes the reservation in the pools that bind, and then in the month of the member,
// by one conditional write each. What pools hold has a name of its own for each try: of
// two tries at once, the one that comes to nothing gives back its own.
func (m Meter) hold(ctx context.Context, by access.Caller, r reserving) (Reserved, error) {
	t, err := readMonth(ctx, m.Table, by.Organization(), r.by, r.month)
	if err != nil {
		return Reserved{}, err
	}
	if out, done, err := r.look(t); done || err != nil {
		return out, err
	}
	if len(r.pools) == 0 {
		out, _, err := m.holdInMonth(ctx, by, r, t)
		return out, err
	}
	r.hold.Claim = rand.Text()[:spent.ClaimLength]
	lanes, err := m.claim(ctx, r.pools, inPools(r.id, r.hold), r.now)
	if refused, ok := errors.AsType[exhausted](err); ok {
		b := refused.bound(resetsAfter(r.now, r.by.Location()))
		return Reserved{}, overLimit{r.short(b), b}
	}
	if err != nil {
		return Reserved{}, err
	}
	for _, lane := range lanes {
		r.hold.Lanes = append(r.hold.Lanes, spent.Lane{Team: lane.Pool.Team, Number: lane.Number})
	}
	out, used, err := m.holdInMonth(ctx, by, r, t)
	if !used {
		m.unclaim(ctx, lanes, inPools(r.id, r.hold))
	}
	return out, err
}

// holdInMonth makes the reservation in the month of the member, as it was read. used
// tells whether the hold is in it, as far as one can know.
func (m Meter) holdInMonth(ctx context.Context, by access.Caller, r reserving, t *tally) (out Reserved, used bool, err error) {
	for range maxDecisions {
		if out, done, err := r.look(t); done || err != nil {
			return out, t.holds[r.id.Name()].Claim == r.hold.Claim, err
		}
		if over := t.over(r.now); len(over) > endedAtOnce { // what stays of them would stand in the way
			if t, err = m.end(ctx, by, r.month, t, over[:endedAtOnce]); err != nil {
				return Reserved{}, false, err
			}
			continue
		}
		err := m.Table.Transact(ctx, r.reserve(t, by.Organization()))
		changed, refused := errors.AsType[monthChanged](err)
		switch {
		case err == nil:
			t.holds[r.id.Name()] = r.hold
			return r.answer(t, r.hold), true, nil
		case !refused: // it may have been made
			return Reserved{}, true, err
		}
		t = changed.now
	}
	return Reserved{}, false, errBusy
}

// owners are those whose rates bind: none, where the organization only observes.
func (r *reserving) owners() []ratedOwner {
	if r.by.LimitMode() == spending.Observe {
		return nil
	}
	var all []ratedOwner
	if rates := r.by.Rates(); rates.Any() {
		all = append(all, ratedOwner{"", rates})
	}
	if limits := r.by.KeyLimits(r.key); r.key != "" && limits != nil {
		rates := limits.Over(spending.Rates{})
		all = append(all, ratedOwner{spent.KeyMark(r.key), rates})
		r.hold.KeyCounts = r.hold.Key != "" && rates.InFlight != nil
	}
	return all
}

// look is the answer, where a month as it was read decides it: the reservation is there,
// or a limit leaves too little for it. It fails with table.ErrChanged where the limits
// are others by now.
func (r reserving) look(t *tally) (out Reserved, done bool, err error) {
	if before, ok := t.holds[r.id.Name()]; ok && before.Live(r.now) {
		if before.Amount != r.hold.Amount || before.Key != r.hold.Key || before.Model != r.hold.Model {
			return Reserved{}, false, errReserved
		}
		return r.answer(t, before), true, nil
	}
	for _, b := range r.binding(t) {
		if r.hold.Amount > b.Remaining || b.reached() {
			return Reserved{}, false, overLimit{r.short(b), b}
		}
	}
	least := asked{r.ask.requests, max(1, r.ask.tokens), r.ask.inFlight}
	if rate := rateReached(t.rates(r.by, r.key, r.now), least, r.by.LimitMode()); rate != nil {
		return Reserved{}, false, rate.refusal(r.now)
	}
	if t.fence > r.by.Version() {
		return Reserved{}, false, table.ErrChanged
	}
	return Reserved{}, false, nil
}

// binding are the limits of the member and of the key that may refuse.
func (r reserving) binding(t *tally) []Bound {
	if r.by.LimitMode() == spending.Observe {
		return nil
	}
	return t.bounds(r.by, r.key, r.now)
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
func (r reserving) short(b Bound) *fault.Error {
	f := b.refusal(r.now)
	if r.estimate.price != nil {
		f = f.With("max_output_tokens", r.estimate.affordable(&b.Remaining, r.in))
	}
	return f.With("requested_usd", r.estimate.amount)
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

// answer is that of a reservation that is in the month. What is left of the limits of the
// member and of the key counts it; pools are as they were a moment ago.
func (r reserving) answer(t *tally, h spent.Hold) Reserved {
	out := Reserved{
		Reservation: Reservation{r.id, h.Amount, h.Expires},
		Remaining:   remaining(append(t.bounds(r.by, r.key, r.now), r.advised...)),
		ResetsAt:    resetsAfter(r.now, r.by.Location()),
	}
	room := tightest(out.Remaining)
	if room != nil {
		room = new(room.Plus(h.Amount))
	}
	out.MaxOutputTokens = r.estimate.affordable(room, r.in)
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
