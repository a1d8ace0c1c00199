"""A training function for the penguins: it prepares the columns, searches for the best forest, and returns it."""

from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder


def train(context):
    rows = context.train[context.columns]
    numbers = list(rows.select_dtypes("number"))
    texts = [name for name in context.columns if name not in numbers]
    prepared = make_column_transformer(
        (SimpleImputer(strategy="median"), numbers),
        (OneHotEncoder(handle_unknown="ignore"), texts),
    )
    forest = RandomForestClassifier(random_state=context.seed)
    sizes = {"randomforestclassifier__n_estimators": context.parameters["sizes"]}
    search = GridSearchCV(make_pipeline(prepared, forest), sizes, scoring="balanced_accuracy", cv=3)
    search.fit(rows, context.train[context.target])
    for size, score in zip(context.parameters["sizes"], search.cv_results_["mean_test_score"], strict=True):
        context.log("validation/balanced_accuracy", score, step=size)
    return search
