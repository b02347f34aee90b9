package price

import (
	"embed"
	"fmt"
	"path"
	"strings"

	"github.com/go-json-experiment/json"

	"roster/internal/model"
)

// The built-in lists, each in the file of its date: prices that the providers
// published, in the shape of LiteLLM's list. A list that was released is never
// changed, since events were priced by it; a new one is a new file.
//
//go:embed lists/*.json
var files embed.FS

// builtIn is a built-in list.
type builtIn struct {
	// date is the day of which its prices are: "2026-11-01".
	date    string
	terms   map[model.Pattern]Terms
	prices  map[string]Price
	dearest Price
}

// lists are the built-in ones, in the order of their dates.
var lists = load()

// load panics on a list that is malformed: a programming error.
func load() []builtIn {
	entries, err := files.ReadDir("lists")
	if err != nil {
		panic(err)
	}
	var all []builtIn
	for _, entry := range entries {
		text, err := files.ReadFile(path.Join("lists", entry.Name()))
		if err != nil {
			panic(err)
		}
		list := builtIn{date: strings.TrimSuffix(entry.Name(), ".json")}
		if err := json.Unmarshal(text, &list.terms, json.RejectUnknownMembers(true)); err != nil {
			panic(fmt.Errorf("price: list %s: %w", list.date, err))
		}
		for name, terms := range list.terms {
			if faults := terms.faults(); len(faults) > 0 {
				panic(fmt.Sprintf("price: list %s: %s: %v", list.date, name, faults))
			}
		}
		list.prices = prices(list.terms)
		list.dearest = dearest(list.prices)
		all = append(all, list)
	}
	return all
}

// newest is the built-in list that is in force.
func newest() builtIn { return lists[len(lists)-1] }

// ofDate is the built-in list of that date.
func ofDate(date string) (builtIn, bool) {
	for _, list := range lists {
		if list.date == date {
			return list, true
		}
	}
	return builtIn{}, false
}
