package auditrules

import "strings"

// WireKeys reads the keys of a rule from the bytes by which the kernel lists it;
// none for a rule without a key. The audit tools put several keys into one,
// separated by a control character. Bytes that are no rule are an error.
func WireKeys(wire []byte) ([]string, error) {
	rule, err := DecodeKernelRule(wire)
	if err != nil {
		return nil, err
	}
	var keys []string
	for _, one := range rule.Conditions {
		if one.Field == fieldKey {
			keys = append(keys, strings.Split(one.Text, "\x01")...)
		}
	}
	return keys, nil
}

// SameRule says whether two rules are one to the kernel, which does not look at
// what follows a rule's text.
func SameRule(a, b []byte) bool { return sameRule(a, b) }
