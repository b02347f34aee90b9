package audit

import "reflect"

// Changes returns what differs between two states of a thing, by the API's
// names: nothing, if nothing does.
func Changes(before, after map[string]any) (was, is map[string]any) {
	was, is = map[string]any{}, map[string]any{}
	for name, value := range after {
		if !reflect.DeepEqual(before[name], value) {
			was[name], is[name] = before[name], value
		}
	}
	return was, is
}
