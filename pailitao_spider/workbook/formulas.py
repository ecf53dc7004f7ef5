"""The landed cost as formulas of a spreadsheet, over cells of a row and the names of the terms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from pailitao_spider.analysis.feed_reader import Break

__all__ = ["FORMULAS", "price_formula"]

FORMULAS: Mapping[str, str] = {
    "units": "=ROUNDUP(t_quantity/{pieces},0)",
    "post_low": '=IF(OR({fee}="",{units}<{moq}),"",{fee_low})',
    "post_high": '=IF(OR({fee}="",{units}<{moq}),"",{fee_high})',
    "fob_low": '=IF(OR({price_low}="",{post_low}="",{units}<{moq}),"",'
    "({price_low}*{units}+{post_low})*{rate})",
    "fob_high": '=IF(OR({price_high}="",{post_high}="",{units}<{moq}),"",'
    "({price_high}*{units}+{post_high})*{rate})",
    "freight_sum": '=IF(AND(t_freight_kg>0,{weight}=""),"",'
    "t_freight*{units}*{pieces}+t_freight_kg*N({weight})*{units}*{pieces}+t_freight_order)",
    "cif_low": '=IF(OR({fob_low}="",{freight_sum}=""),"",'
    "({fob_low}+{freight_sum})*(1+t_insurance))",
    "cif_high": '=IF(OR({fob_high}="",{freight_sum}=""),"",'
    "({fob_high}+{freight_sum})*(1+t_insurance))",
    "total_low": '=IF({cif_low}="","",{cif_low}+{duty}*IF(t_duty_on="fob",{fob_low},{cif_low})'
    "+{fob_low}*t_agent+t_fixed)",
    "total_high": '=IF({cif_high}="","",{cif_high}+{duty}*IF(t_duty_on="fob",{fob_high},{cif_high})'
    "+{fob_high}*t_agent+t_fixed)",
    "landed_low": '=IF({total_low}="","",{total_low}/({units}*{pieces}))',
    "landed_high": '=IF({total_high}="","",{total_high}/({units}*{pieces}))',
    "vat_high": '=IF({cif_high}="","",({cif_high}+{duty}*IF(t_duty_on="fob",{fob_high},{cif_high}))'
    "*t_vat/({units}*{pieces}))",
    "margin": '=IF(OR({sell_price}="",{landed_high}=""),"",{sell_price}-{landed_high})',
    "margin_percent": '=IF({margin}="","",{margin}/{sell_price})',
}
"""By the column that each fills; `{name}` is a cell of the same row, other names are the terms'."""


def price_formula(
    breaks: Sequence[Break], otherwise: Decimal | None, units: str, moq: str, ends: str
) -> str:
    """The price at so many units: of the ladder, else of the range, whose upper end is paid at the
    MOQ; `ends` is that upper end.
    """
    below = '""' if otherwise is None else f"IF({units}={moq},{ends},{otherwise})"
    for step in breaks:
        below = f"IF({units}>={step.min_quantity},{step.price},{below})"
    return f"={below}"
