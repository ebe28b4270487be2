package detect

// Remarks says what a rule that runs asks for and does not get: what its keys mean
// in Elasticsearch's detection engine and not on a host.
func (d *Definition) Remarks() []string {
	var remarks []string
	for _, remark := range []struct {
		asked bool
		text  string
	}{
		{d.AlertSuppression != nil, "alert_suppression is not applied: every match is an alert"},
		{len(d.ExceptionsList) > 0, "exceptions_list names lists that Kibana keeps; write [[exceptions]] into the configuration instead"},
		{len(d.Actions) > 0, "actions are not carried out: alerts go to the outputs of the configuration"},
		{len(d.ResponseActions) > 0, "response_actions are not carried out: the sensor only watches"},
		{len(d.SeverityMapping) > 0, "severity_mapping is not applied: alerts have the rule's severity"},
		{len(d.RiskScoreMapping) > 0, "risk_score_mapping is not applied: alerts have the rule's risk_score"},
		{d.RuleNameOverride != "", "rule_name_override is not applied: alerts have the rule's name"},
		{d.BuildingBlockType != "", "a building block: its alerts are marked as such and go to all outputs like others"},
	} {
		if remark.asked {
			remarks = append(remarks, remark.text)
		}
	}
	return remarks
}
