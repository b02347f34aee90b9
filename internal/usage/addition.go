package usage

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"roster/internal/access"
	"roster/internal/id"
	"roster/internal/permission"
	"roster/internal/spending"
	"roster/internal/spent"
	"roster/internal/table"
)

const (
	// modelsKept is how many models a month counts by name; the others count as
	// otherModel. That bounds the item, whatever names are made up.
	modelsKept = 24
	// modelsOwn is up to where reports without usage:write may fill them: nobody
	// takes all names, and so hides the models that gateways report.
	modelsOwn  = 16
	otherModel = ""
	// usedKept is how many used keys a month has at once: the last that were reported.
	usedKept = 16
	// keysKept is how many keys a month counts at most.
	keysKept = 100
)

// namesFor returns how many models a month counts by name when that caller
// reports one more.
func namesFor(by access.Caller) int {
	if by.Can(permission.UsageWrite) {
		return modelsKept
	}
	return modelsOwn
}

// addition is what events add to one month.
type addition struct {
	// to is the month as it was last read.
	to *tally
	// names is how many models may have one.
	names int
	// added are the models that get one.
	added map[string]bool
	// sums are by the attributes of the item.
	sums map[string]int64
	// reporter is the key that reports; empty for an access token.
	reporter id.Key
	// used are the keys of the events, and their reporter's, with the last day of each.
	used map[id.Key]int
	// settled are the names of the reservations that end with the events.
	settled map[string]bool
	// last is the latest day of the events, and now when they are recorded.
	last int
	now  time.Time
	// asked is what counts for rates now, by the mark of a key; empty, the member's.
	asked map[string]asked
	// through, if not nil, is the chunk of a source that is counted once.
	through *watermark
	// keys are those of which something is counted, by their spent.KeyMark.
	keys map[string]bool
}

func newAddition(to *tally, names int, reporter id.Key) *addition {
	return &addition{
		to: to, names: names, added: map[string]bool{}, sums: map[string]int64{},
		reporter: reporter, used: map[id.Key]int{}, settled: map[string]bool{}, asked: map[string]asked{}, keys: map[string]bool{},
	}
}

// count adds an event.
func (a *addition) count(e Record) {
	for _, key := range []id.Key{e.Key, a.reporter} {
		if key != "" && !e.Adjustment {
			a.used[key] = max(a.used[key], e.Day)
		}
	}
	a.last = max(a.last, e.Day)
	if name := e.settles.holdName(); a.to.has(name) {
		a.settled[name] = true
	}
	day := fmt.Sprintf("%02d", e.Day)
	if e.Scope == Personal {
		a.sums["p"]++
		a.sums["p"+day]++
		return
	}
	for letter, n := range map[string]int64{"c": int64(e.Cost), "r": e.requests(), "i": e.Input, "o": e.Output} {
		a.sums[letter] += n
		a.sums[letter+day] += n
		for _, team := range e.Teams {
			a.sums[letter+teamMark+string(team)] += n
		}
	}
	a.rate(e)
	model := a.name(e.Model)
	a.sums["c:"+model] += int64(e.Cost)
	a.sums["r:"+model] += e.requests()
	if mark, ok := a.keyOf(e); ok {
		a.sums["c"+keyMark+mark] += int64(e.Cost)
		a.sums["r"+keyMark+mark] += e.requests()
		a.sums[keyDay{mark, e.Day}.sum()] += int64(e.Cost)
	}
}

// rate counts an event for the rates that it counts against: what its reservation counted
// for it, it does not count again.
func (a *addition) rate(e Record) {
	hold, held := a.to.holds[e.settles.holdName()]
	if e.RecordedAt.Sub(e.OccurredAt) > ratedFor {
		return
	}
	for _, mark := range e.rated {
		sum := a.asked[mark]
		if !held {
			sum.requests++
		}
		if !held || !hold.TokensCounted {
			sum.tokens += e.Input + e.Output
		}
		a.asked[mark], a.now = sum, e.RecordedAt
	}
}

// holdSums are the sums in which a hold counts.
func holdSums(h spent.Hold) []string {
	day := fmt.Sprintf("%02d", h.Day)
	sums := []string{"c", "c" + day}
	if h.Key != "" {
		sums = append(sums, "c"+keyMark+h.Key, keyDay{h.Key, h.Day}.sum())
	}
	return sums
}

// keyOf returns the mark of the event's key, or of the one that reserved for it, if the
// month counts it.
func (a *addition) keyOf(e Record) (mark string, ok bool) {
	mark = a.to.holds[e.settles.holdName()].Key
	if e.Key != "" && e.Key.User() == e.User {
		mark = spent.KeyMark(e.Key)
	}
	if mark == "" {
		return "", false
	}
	if _, known := a.to.keys[mark]; !known && !a.keys[mark] && len(a.to.keys)+len(a.keys) >= keysKept {
		return "", false
	}
	a.keys[mark] = true
	return mark, true
}

// name returns the name under which a model is counted.
func (a *addition) name(model string) string {
	_, known := a.to.models[model]
	switch {
	case known || a.added[model]:
		return model
	case int(a.to.named)+len(a.added) >= a.names:
		return otherModel
	}
	a.added[model] = true
	a.sums["m"]++
	return model
}

// usedKeys are the keys of the events, and of those that the user's month has as many as
// there is room for, the latest first.
func (a *addition) usedKeys(user id.User) map[id.Key]int {
	all := maps.Clone(a.used)
	for key, day := range spent.DecodeUsedKeys(user, a.to.used) {
		all[key] = max(all[key], day)
	}
	keys := slices.SortedFunc(maps.Keys(all), func(x, y id.Key) int {
		_, xNew := a.used[x]
		_, yNew := a.used[y]
		switch {
		case xNew && !yNew:
			return -1
		case yNew && !xNew:
			return 1
		}
		return cmp.Or(cmp.Compare(all[y], all[x]), cmp.Compare(x, y))
	})
	for _, key := range keys[min(usedKept, len(keys)):] {
		delete(all, key)
	}
	return all
}

// write is the Write that adds to the counters; where it names models, ends
// reservations or seals days, it may be refused with monthChanged. The first of a month
// places the item in the state index, by which reports find who used models; no later
// one touches the index.
func (a *addition) write(org id.Organization, of month) table.Write {
	c := a.to.changing(of.key(org))
	c.sums = a.sums
	c.set("#state_pk = if_not_exists(#state_pk, :partition)", "partition", usersPartition(org, of.name, of.test))
	c.set("#state_sk = if_not_exists(#state_sk, :user)", "user", of.user)
	if used := a.usedKeys(of.user); len(used) > 0 {
		c.w.Names["used"] = spent.UsedKeys
		c.set("#used = :used", "used", spent.EncodeUsedKeys(of.user, used))
	}
	switch {
	case len(a.added) == 0:
	case a.to.named == 0:
		c.expect("m", nil)
	default:
		c.expect("m", a.to.named)
	}
	if a.through != nil {
		c.pass(*a.through)
	}
	for _, mark := range slices.Sorted(maps.Keys(a.asked)) {
		c.ask(mark, a.now, a.asked[mark], spending.Rates{})
	}
	c.end(slices.Sorted(maps.Keys(a.settled))...)
	c.seal(a.last - 1)
	for _, old := range a.outdated(a.last - 1) {
		c.remove(old)
	}
	return c.write()
}

// writeAsRead is write, refused with monthChanged where the month's cost is another than
// was read.
func (a *addition) writeAsRead(org id.Organization, of month) table.Write {
	w := a.write(org, of)
	read := a.to.total.Cost
	for _, h := range a.to.holds {
		read += h.Amount
	}
	condition := "#cost = :cost"
	if read == 0 {
		condition = "(attribute_not_exists(#cost) OR #cost = :cost)"
	}
	w.Names["cost"], w.Values["cost"] = "c", int64(read)
	if w.If != "" {
		condition = w.If + " AND " + condition
	}
	w.If = condition
	return w
}

// outdated are the sums of days of the counted keys that no limit asks for any more:
// those before the day before.
func (a *addition) outdated(before int) []string {
	var all []string
	for of := range a.to.keyDays {
		if _, counted := a.sums[of.sum()]; a.keys[of.key] && of.day < before && !counted {
			all = append(all, of.sum())
		}
	}
	slices.Sort(all)
	return all
}
