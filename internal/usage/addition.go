package usage

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"roster/internal/access"
	"roster/internal/id"
	"roster/internal/permission"
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
	// settled are the reservations that end with the events, by their names.
	settled map[string]spent.Hold
	// last is the latest day of the events.
	last int
	// keys are those of which something is counted, by their spent.KeyMark.
	keys map[string]bool
}

func newAddition(to *tally, by access.Caller) *addition {
	return &addition{
		to: to, names: namesFor(by), added: map[string]bool{}, sums: map[string]int64{},
		reporter: by.Key(), used: map[id.Key]int{}, settled: map[string]spent.Hold{}, keys: map[string]bool{},
	}
}

// count adds an event.
func (a *addition) count(e Record) {
	for _, key := range []id.Key{e.Key, a.reporter} {
		if key != "" {
			a.used[key] = max(a.used[key], e.Day)
		}
	}
	a.last = max(a.last, e.Day)
	if hold, ok := a.to.holds[e.settles.holdName()]; ok {
		a.settle(e.settles.holdName(), hold)
	}
	day := fmt.Sprintf("%02d", e.Day)
	if e.Scope == Personal {
		a.sums["p"]++
		a.sums["p"+day]++
		return
	}
	for letter, n := range map[string]int64{"c": int64(e.Cost), "r": 1, "i": e.Input, "o": e.Output} {
		a.sums[letter] += n
		a.sums[letter+day] += n
		for _, team := range e.Teams {
			a.sums[letter+teamMark+string(team)] += n
		}
	}
	model := a.name(e.Model)
	a.sums["c:"+model] += int64(e.Cost)
	a.sums["r:"+model]++
	if mark, ok := a.keyOf(e); ok {
		a.sums["c"+keyMark+mark] += int64(e.Cost)
		a.sums["r"+keyMark+mark]++
		a.sums["c"+keyMark+mark+day] += int64(e.Cost)
	}
}

// settle ends a reservation: the sums no longer have what it held.
func (a *addition) settle(name string, h spent.Hold) {
	if _, done := a.settled[name]; done {
		return
	}
	a.settled[name] = h
	for _, sum := range holdSums(h) {
		a.sums[sum] -= int64(h.Amount)
	}
}

// holdSums are the sums in which a hold counts.
func holdSums(h spent.Hold) []string {
	day := fmt.Sprintf("%02d", h.Day)
	sums := []string{"c", "c" + day}
	if h.Key != "" {
		sums = append(sums, "c"+keyMark+h.Key, "c"+keyMark+h.Key+day)
	}
	return sums
}

// keyOf returns the mark of the event's key, if the month counts it.
func (a *addition) keyOf(e Record) (mark string, ok bool) {
	if e.Key == "" || e.Key.User() != e.User {
		return "", false
	}
	mark = spent.KeyMark(e.Key)
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

// monthChanged is the refusal of an addition that was decided on a month whose models,
// reservations or open days are others since.
type monthChanged struct{ now *tally }

func (monthChanged) Error() string {
	return "the month changed since it was read"
}

// write is the Write that adds to the counters; where it names models or ends
// reservations or seals days, it may be refused with monthChanged. The first of a month places the item in the state
// index, by which reports find who used models; no later one touches the index.
func (a *addition) write(org id.Organization, of month) table.Write {
	w := table.Write{
		Key:    of.key(org),
		Names:  map[string]string{},
		Values: table.V{"partition": usersPartition(org, of.name, of.test), "user": of.user},
	}
	var adds []string
	for place, name := range slices.Sorted(maps.Keys(a.sums)) {
		if a.sums[name] == 0 {
			continue
		}
		n := "n" + strconv.Itoa(place)
		adds = append(adds, "#"+n+" :"+n)
		w.Names[n], w.Values[n] = name, a.sums[name]
	}
	w.Update = "ADD " + strings.Join(adds, ", ") +
		" SET #state_pk = if_not_exists(#state_pk, :partition), #state_sk = if_not_exists(#state_sk, :user)"
	if used := a.usedKeys(of.user); len(used) > 0 {
		w.Names["used"], w.Values["used"] = spent.UsedKeys, spent.EncodeUsedKeys(of.user, used)
		w.Update += ", #used = :used"
	}
	var conditions, ended []string
	switch {
	case len(a.added) == 0:
	case a.to.named == 0:
		conditions = append(conditions, "attribute_not_exists(#m)")
	default:
		conditions = append(conditions, "#m = :named")
		w.Values["named"] = a.to.named
	}
	for place, name := range slices.Sorted(maps.Keys(a.settled)) {
		h := "h" + strconv.Itoa(place)
		conditions = append(conditions, "#holds.#"+h+" = :"+h)
		ended = append(ended, "#holds.#"+h)
		w.Names["holds"], w.Names[h], w.Values[h] = spent.Holds, name, a.settled[name].Encode()
	}
	if over := a.over(a.last - 1); len(over) > 0 {
		for day, counters := range over {
			for letter, n := range counters {
				name := fmt.Sprintf("%s%02d", letter, day)
				conditions = append(conditions, "#"+name+" = :"+name)
				ended = append(ended, "#"+name)
				w.Values[name] = n
			}
		}
		w.Update += ", #z = :z"
		w.Values["z"] = seal(a.to.sealed, over)
		if a.to.sealed == nil {
			conditions = append(conditions, "attribute_not_exists(#z)")
		} else {
			conditions = append(conditions, "#z = :sealed")
			w.Values["sealed"] = a.to.sealed
		}
	}
	for place, old := range a.outdated(a.last - 1) {
		o := "o" + strconv.Itoa(place)
		ended = append(ended, "#"+o)
		w.Names[o] = old
	}
	if len(ended) > 0 {
		w.Update += " REMOVE " + strings.Join(ended, ", ")
	}
	if len(conditions) == 0 {
		return w
	}
	w.If = strings.Join(conditions, " AND ")
	w.ElseFrom = func(found table.Item) error {
		now, err := table.Decode[tally](found)
		if err != nil {
			return err
		}
		return monthChanged{&now}
	}
	return w
}

// outdated are the sums of days of the counted keys that no limit asks for any more:
// those before the day before.
func (a *addition) outdated(before int) []string {
	var all []string
	for mark := range a.keys {
		for day := range a.to.keyDays[mark] {
			name := fmt.Sprintf("c%s%s%02d", keyMark, mark, day)
			if _, counted := a.sums[name]; day < before && !counted {
				all = append(all, name)
			}
		}
	}
	slices.Sort(all)
	return all
}
