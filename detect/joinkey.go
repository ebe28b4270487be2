package detect

import (
	"encoding/binary"
	"math"
)

// joinKey is one join key of a stage.
type joinKey struct {
	field FieldID
	// known is false for an optional field that the schema does not have.
	known bool
	// optional lets a missing value equal a missing value.
	optional bool
}

// keyReader enumerates the distinct join keys of one event at one stage, each encoded
// as bytes that are equal exactly if the keys are. Its memory is reused.
type keyReader struct {
	values []Value
	// at is which element of each list is next; lists says that there are lists.
	at      []int
	lists   bool
	buffer  []byte
	pending bool
}

// start prepares the keys of an event; false if a key is missing, so that the
// event takes no part.
func (k *keyReader) start(ev Event, keys []joinKey) bool {
	k.values, k.at, k.lists = k.values[:0], k.at[:0], false
	k.pending = false
	for i := range keys {
		var value Value
		if keys[i].known {
			value = ev.Value(keys[i].field)
		}
		switch {
		case value.kind == KindMissing && !keys[i].optional:
			return false
		case value.kind == KindList:
			value = List(k.distinct(value.Elements()))
			k.lists = true
		}
		k.values = append(k.values, value)
	}
	if k.lists {
		k.at = append(k.at, make([]int, len(keys))...)
	}
	k.pending = true
	return true
}

// next returns the next key, valid until the call after it, and false after
// the last.
func (k *keyReader) next() ([]byte, bool) {
	if !k.pending {
		return nil, false
	}
	buffer := k.buffer[:0]
	for i := range k.values {
		value := k.values[i]
		if value.kind == KindList {
			value = value.Elements()[k.at[i]]
		}
		buffer = appendKey(buffer, value)
	}
	k.buffer, k.pending = buffer, k.lists && k.step()
	return buffer, true
}

// step moves to the next combination of list elements.
func (k *keyReader) step() bool {
	for i := range k.values {
		k.at[i]++
		if k.at[i] < len(k.values[i].Elements()) {
			return true
		}
		k.at[i] = 0
	}
	return false
}

// fewKeys is up to how many keys comparing each with each beats a map.
const fewKeys = 16

// distinct returns a list without those elements that are the same key as an
// earlier one; the list itself if it has none.
func (k *keyReader) distinct(list []Value) []Value {
	if len(list) <= fewKeys {
		for i := range list {
			if i > 0 && containsKey(list[:i], &list[i]) {
				return distinctFew(list)
			}
		}
		return list
	}
	seen := make(map[string]struct{}, len(list))
	all := make([]Value, 0, len(list))
	for _, value := range list {
		k.buffer = appendKey(k.buffer[:0], value)
		if _, ok := seen[string(k.buffer)]; !ok {
			seen[string(k.buffer)] = struct{}{}
			all = append(all, value)
		}
	}
	return all
}

func distinctFew(list []Value) []Value {
	var all []Value
	for i := range list {
		if !containsKey(all, &list[i]) {
			all = append(all, list[i])
		}
	}
	return all
}

// containsKey reports whether one of some values is the same key as another.
func containsKey(values []Value, value *Value) bool {
	wanted := wholeNumber(*value)
	for i := range values {
		one := wholeNumber(values[i])
		if one.Equal(wanted) {
			return true
		}
	}
	return false
}

// wholeNumber makes an integer of a floating-point number without a fraction.
func wholeNumber(value Value) Value {
	if value.kind == KindFloat {
		if f := value.Float(); f == math.Trunc(f) && math.Abs(f) < 1<<63 {
			return Int(int64(f))
		}
	}
	return value
}

// appendKey encodes a value behind a byte that says its kind. A whole number
// has one encoding whether it is an integer or a floating-point number.
func appendKey(buffer []byte, value Value) []byte {
	value = wholeNumber(value)
	buffer = append(buffer, byte(value.kind))
	switch value.kind {
	case KindString:
		buffer = binary.AppendUvarint(buffer, value.num)
		buffer = append(buffer, value.Text()...)
	case KindInt, KindFloat, KindBool:
		buffer = binary.LittleEndian.AppendUint64(buffer, value.num)
	}
	return buffer
}

// appendKeyValues decodes a key into its values, whose text is a part of key.
func appendKeyValues(values []Value, key string) []Value {
	for key != "" {
		value := Value{kind: Kind(key[0])}
		key = key[1:]
		switch value.kind {
		case KindString:
			length, size := binary.Uvarint([]byte(key[:min(len(key), binary.MaxVarintLen64)]))
			value = String(key[size : size+int(length)])
			key = key[size+int(length):]
		case KindInt, KindFloat, KindBool:
			value.num = binary.LittleEndian.Uint64([]byte(key[:8]))
			key = key[8:]
		}
		values = append(values, value)
	}
	return values
}
