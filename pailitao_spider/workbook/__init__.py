"""The workbook for people: photos, offers, suppliers and a summary, with pictures and formulas."""
