package price

import "roster/internal/model"

// PriceOf is what terms say.
func PriceOf(t Terms) Price { return t.price() }

// BuiltIn has the prices of the built-in list, and none beside.
func BuiltIn() *List { return newList(decided{}, newest()) }

// WithOwn has some of an organization's own over the built-in list.
func WithOwn(terms map[model.Pattern]Terms) *List {
	d := decided{Version: 1, Prices: owned{}}
	for name, t := range terms {
		d.Prices[name] = own{t, 1}
	}
	return newList(d, newest())
}

// Names are the models of the built-in list.
func Names() (all []string) {
	for name := range newest().terms {
		all = append(all, string(name))
	}
	return all
}
