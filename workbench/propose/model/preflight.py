"""What must hold before a study asks a model, checked before the study exists.

Nothing here talks to a model.
"""

from workbench.errors import UsageError
from workbench.propose.model import client, ensemble, prices
from workbench.records import Options


def check_model_options(options: Options) -> None:
    """Checks the options that say which model is asked, where, and for how much money.

    Raises:
        UsageError: a model could not be asked, or the study could not be held to its budget.
    """
    client.check_options(options.base_url, options.effort)
    models = ensemble.parse_models(options.model)
    unpriced = ", ".join(prices.find_unpriced(models))
    # A budget in money would never be used up: calls without a price count as 0 USD.
    if options.max_usd and unpriced:
        raise UsageError(
            f"--max-usd cannot hold where the price of {unpriced} is unknown; "
            "give --max-tokens instead"
        )
