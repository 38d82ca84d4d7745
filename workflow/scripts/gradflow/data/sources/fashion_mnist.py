"""Fashion-MNIST (Xiao et al. 2017), from its original IDX files."""

from gradflow.data.originals import idx_source

MIRRORS = ("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",)
FILES = {
    "train-images": ("3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84", 26_421_880),
    "train-labels": ("a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845", 29_515),
    "t10k-images": ("346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073", 4_422_102),
    "t10k-labels": ("67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5", 5_148),
}
CLASSES = ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"]

SOURCE = idx_source("fashion_mnist", MIRRORS, FILES, CLASSES)
