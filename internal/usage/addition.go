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
}

func newAddition(to *tally, by access.Caller) *addition {
	return &addition{
		to: to, names: namesFor(by), added: map[string]bool{}, sums: map[string]int64{},
		reporter: by.Key(), used: map[id.Key]int{},
	}
}

// count adds an event.
func (a *addition) count(e Record) {
	for _, key := range []id.Key{e.Key, a.reporter} {
		if key != "" {
			a.used[key] = max(a.used[key], e.Day)
		}
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

// modelsChanged is the refusal of an addition whose new names were decided on a
// month that has got others since.
type modelsChanged struct{ now *tally }

func (modelsChanged) Error() string { return "the month's models changed since they were read" }

// write is the Write that adds to the counters; where it names models, it may be
// refused with modelsChanged. The first of a month places the item in the state
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
	switch {
	case len(a.added) == 0:
		return w
	case a.to.named == 0:
		w.If = "attribute_not_exists(#m)"
	default:
		w.If, w.Values["named"] = "#m = :named", a.to.named
	}
	w.ElseFrom = func(found table.Item) error {
		now, err := table.Decode[tally](found)
		if err != nil {
			return err
		}
		return modelsChanged{&now}
	}
	return w
}
